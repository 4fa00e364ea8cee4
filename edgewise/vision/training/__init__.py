"""Training runs of any task: recipes, run folders, the loop, resuming, distillation. It knows no task by name."""
