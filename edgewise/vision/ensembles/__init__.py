"""Several runs as one: k folds and several seeds, scored on what each did not see, and averaged."""
