"""``edgewise evaluate``: how good a trained run is."""

import json
from pathlib import Path
from typing import Annotated, Any

from tyro.conf import UseAppendAction, arg

from edgewise._ground.errors import ConfigError
from edgewise.cli._parse import NO_OPTIONS, call
from edgewise.cli._tables import print_table


def main(words: list[str]) -> None:
    """Run the subcommand."""
    call(command, words, prog="edgewise evaluate")


def command(
    run: Annotated[Path, arg(metavar="RUN")],
    more: Annotated[tuple[Path, ...], arg(metavar="[RUN...]")] = (),
    /,
    *,
    tune_threshold: bool = False,
    against: Annotated[Path | None, arg(metavar="RUN")] = None,
    data: Annotated[str | None, arg(metavar="NAME")] = None,
    root: Annotated[Path | None, arg(metavar="DIR")] = None,
    options: dict[str, Any] = NO_OPTIONS,
    threshold: UseAppendAction[tuple[float, ...]] = (),
    smallest: UseAppendAction[tuple[int, ...]] = (),
    largest_component: bool | None = None,
    tta: bool = False,
    out: Annotated[Path | None, arg(metavar="FILE")] = None,
    device: str = "cpu",
) -> None:
    """Score the best epoch of a run on its test images, or on all images of another
    dataset (of a dataset with a published test side, on that): masks at each picture's own size,
    or classes. Each score has its 95 % interval by bootstrap over groups, such as patients.

    examples:
      edgewise evaluate runs/first
      edgewise evaluate runs/first --against runs/second
      edgewise evaluate runs/first runs/second --tta
      edgewise evaluate nuclei.onnx --data folder --root ~/mine
      edgewise evaluate runs/first --data folder --root ~/mine --out scores.json
      edgewise evaluate runs/first --data folder --root ~/mine --options '{"mask_suffix": "_mask"}'

    Args:
        run: Folder made by `edgewise train`, `edgewise demo` or `edgewise ensemble`; also an ONNX file of a
            segmentation by `edgewise export`, which is scored on --data.
        more: More runs of the same task, whose probabilities are then averaged.
        tune_threshold: First choose the threshold of a run of one foreground on its validation images. It is kept in
            RUN/threshold.json, and scores, predictions, reports and exports use it; delete the file to undo that. Of
            several and of an ensemble, choose that of each run; their mean is used.
        against: Another run of the same task, to be compared on the same images: differences are RUN less this one, with
            95 % intervals.
        data: Dataset to score instead of the run's own test images (`edgewise data` lists them).
        root: Folder that holds it.
        options: Further options of that dataset, as in `edgewise train --data.options`.
        threshold: What is made of probabilities, as in `edgewise predict`; so are the next two.
        smallest: Components of fewer pixels become background.
        largest_component: All components but the largest become background: True or False.
        tta: See each picture turned and flipped too, and average the probabilities.
        out: JSON file for the scores, those of each image included.
        device: Where to compute, such as cpu or cuda.
    """
    from edgewise.io import write_json
    from edgewise.vision import Decision, Inference, compare_runs, evaluate
    from edgewise.vision import tune_threshold as tune
    from edgewise.vision.data import dataset_of
    from edgewise.vision.ensembles.chosen import Chosen

    if root is not None and data is None:
        raise ConfigError(f"--root is {str(root)!r} and --data is not given: say which dataset is there")
    if options and data is None:
        raise ConfigError(f"--options is {json.dumps(options)} and --data is not given: say of which dataset they are")
    dataset = dataset_of(data, root, options) if data is not None else None
    decision = Decision(threshold or None, smallest or None, largest_component)
    inference = Inference(decision=decision, turned=tta) if tta or decision != Decision() else None
    runs = [run, *more]
    if tune_threshold:
        for member in Chosen.of(runs).members:
            print(
                tune(member, device).summary() if [member] == runs else f"{member.name}: {tune(member, device).summary()}"
            )
    if against is not None:
        found = compare_runs(runs, against, dataset, device=device, inference=inference)
        columns = found.columns
    else:
        found = evaluate(runs, dataset, device=device, inference=inference)
        columns = ("score", "", "95 %")[: len(found.rows()[0])]
    if out is not None:
        write_json(out, found.to_dict())
    print_table(columns, found.rows())
    print(found.summary())
