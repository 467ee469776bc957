"""`mmlearn ...`: the course from the command line. Each command imports what it needs when it is called."""

import argparse
import importlib.util
import sys


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return its exit code."""
    options = _parser().parse_args(arguments)
    from mmlearn.data import DataError
    from mmlearn.files import explain

    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # a terminal without a sign such as ✓ shows a question mark
    try:
        return options.run(options) or 0
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 130
    # What a command cannot do, it says in one sentence; a traceback is for our own mistakes.
    except (OSError, ValueError, DataError) as error:
        print(f"mmlearn: {explain(error)}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mmlearn", description="Multimodal models from scratch: the course's commands."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    lab = commands.add_parser("lab", help="prepare your copies of the lessons and open JupyterLab")
    lab.add_argument("--no-browser", action="store_true", help="start the server and print its address only")
    lab.add_argument(
        "--port", type=int, default=8888, help="the server's port; the next free one is taken (default: 8888)"
    )
    lab.set_defaults(run=_lab)

    doctor = commands.add_parser(
        "doctor",
        help="look that all is in place, and name the command that mends what is not",
        description="Look at Python, packages, kernel, data, disk, device and your copies of the lessons. Nothing is "
        "changed. For what is wrong there is a command that mends it. The exit code is 0 if all that the lessons need "
        "is in place, else 1.",
    )
    doctor.set_defaults(run=_doctor)

    reset = commands.add_parser(
        "reset",
        help="begin lessons anew: fresh copies in work/, yours kept beside them",
        description="Fresh copies of lessons in work/, of the newest version. What you had is kept beside each, as "
        "01_vit.before-2026-01-31.ipynb, and no earlier one is overwritten. Your progress and your guesses stay.",
    )
    reset.add_argument("lessons", nargs="+", metavar="NN", help="lesson numbers, such as 01")
    reset.set_defaults(run=_reset)

    progress = commands.add_parser("progress", help="print which exercises are done and what comes next")
    progress.set_defaults(run=_progress)

    build = commands.add_parser("build", help="write the notebooks of lessons from their masters in solutions/")
    build.add_argument("lessons", nargs="*", metavar="NN", help="lesson numbers, such as 01 (default: all)")
    how = build.add_mutually_exclusive_group()
    how.add_argument("--execute", action="store_true", help="also run the solution notebooks and keep their outputs")
    how.add_argument(
        "--check", action="store_true", help="write nothing; fail if a notebook is not what its master gives"
    )
    how.add_argument(
        "--nbgrader", metavar="COURSE_DIR", help="write a course folder for nbgrader there, or renew its source/"
    )
    how.add_argument(
        "--release", metavar="DIR", help="write the course for students there, without solutions, or renew it"
    )
    build.set_defaults(run=_build)

    data = commands.add_parser("data", help="check the committed data sets, or build one again from its packages")
    actions = data.add_subparsers(dest="action", required=True, metavar="ACTION")
    check = actions.add_parser("check", help="compare every file with its checksum")
    check.add_argument("name", nargs="?", help="one set (default: all)")
    check.set_defaults(run=_data_check)
    rebuild = actions.add_parser("build", help="make a set again: the same bytes each time (needs npm and a network)")
    rebuild.add_argument("name", help="the set, such as emoji")
    rebuild.add_argument("--out", metavar="DIR", help="write there instead of data/NAME")
    rebuild.set_defaults(run=_data_build)

    experiment = commands.add_parser(
        "experiment", help="run a sweep of the lessons' experiments; its rows are committed"
    )
    experiment.add_argument("name", nargs="?", help="the experiment (default: list them)")
    experiment.add_argument(
        "--jobs", type=int, default=1, help="points that run at once, each in one thread (default: 1)"
    )
    experiment.add_argument("--out", metavar="DIR", help="write there instead of data/experiments")
    experiment.set_defaults(run=_experiment)

    zoo = commands.add_parser("zoo", help="list the trained models in data/zoo/, train one again, or check one")
    actions = zoo.add_subparsers(dest="action", required=True, metavar="ACTION")
    listed = actions.add_parser("list", help="what there is, and what each reached on held-out items")
    listed.set_defaults(run=_zoo_list)
    trained = actions.add_parser("train", help="make a model again, in one thread; stopped, it goes on where it was")
    trained.add_argument("name", help="the model, such as toy-clip")
    trained.add_argument("--out", metavar="DIR", help="write there instead of data/zoo")
    trained.set_defaults(run=_zoo_train)
    checked = actions.add_parser(
        "check", help="run the first steps again and hold them against the recorded loss curve"
    )
    checked.add_argument("name", help="the model, such as toy-clip")
    checked.add_argument("--share", type=float, default=0.05, help="of all steps (default: 0.05)")
    checked.set_defaults(run=_zoo_check)

    bench = commands.add_parser(
        "bench",
        help="measure reference models beside other implementations of them",
        description="Time of import, forward and training step, and peak memory, of our reference models and of every "
        "installed peer, which take turns. The base size needs 8 GiB of memory; all of it takes some minutes.",
    )
    bench.add_argument("models", nargs="*", metavar="model", help="such as vit (default: all)")
    bench.add_argument("--size", choices=("toy", "base", "all"), default="all", help="of the models (default: all)")
    bench.add_argument("--rounds", type=int, help="rounds that count (default: 20 toy, 6 base, 3 for imports)")
    bench.add_argument("--batch", type=int, help="items in a batch (default: 32 toy, 2 base)")
    bench.add_argument("--threads", type=int, help="threads of torch; 1 is the least noisy (default: torch's choice)")
    bench.add_argument("--device", help="such as cpu or cuda:1 (default: the best one here)")
    bench.add_argument("--json", metavar="FILE", help="also write everything, with the values of all rounds")
    bench.set_defaults(run=_bench)

    grade = commands.add_parser(
        "grade",
        help="grade a class: every exercise of every notebook, run in a sandbox",
        description="Grade the submissions of a lesson. Nothing of a submission runs outside its sandbox. DIR holds "
        "what is known already, so the same command goes on where it was stopped. GRADING.md goes through it.",
    )
    grade.add_argument("submissions", help="a folder of notebooks, nbgrader's submitted/ tree, or a zip from an LMS")
    grade.add_argument("--lesson", required=True, metavar="NN", help="the lesson's number, such as 01")
    grade.add_argument("--out", required=True, metavar="DIR", help="where grades, feedback and reports are written")
    grade.add_argument("--jobs", type=int, help="submissions marked at once (default: one for each processor)")
    grade.add_argument("--only", metavar="STUDENT", default="", help="mark this student again, with a full log")
    grade.add_argument("--seed", metavar="TEXT", default="", help="the same probes as in another DIR (default: drawn)")
    grade.add_argument(
        "--gradebook",
        metavar="URL",
        default="",
        help="also write the scores and the graded notebooks for nbgrader, such as sqlite:///gradebook.db",
    )
    grade.add_argument("--dask", metavar="ADDRESS", default="", help="mark on the workers of this Dask scheduler")
    grade.set_defaults(run=_grade)

    new = commands.add_parser(
        "new",
        help="write the files of a new lesson, which work at once",
        description="Write the files of a new lesson: a small, whole one, to be replaced part after part. "
        "CONTRIBUTING.md goes through it. Nothing is written where a name or a file is taken.",
    )
    new.add_argument("lesson", metavar="NN_name", help="number and name, such as 21_example")
    new.set_defaults(run=_new)
    return parser


def _lab(options) -> int:
    from mmlearn.course.lab import lab

    return lab(port=options.port, browser=not options.no_browser)


def _doctor(options) -> int:
    from mmlearn.course.doctor import doctor

    return doctor()


def _reset(options) -> None:
    from mmlearn.course.copies import reset
    from mmlearn.paths import root

    print("\n".join(reset(options.lessons, root() / "lessons", root() / "work")))
    print("Where JupyterLab has one of them open: File > Reload Notebook from Disk. Your progress stays.")


def _progress(options) -> None:
    from mmlearn.course.standing import report

    print(report())


def _build(options) -> int:
    from pathlib import Path

    from mmlearn.course.builder import build  # first: in a release for learners it says that it is not there

    if importlib.util.find_spec("jupytext") is None:
        raise ValueError('building lessons needs more packages: pip install -c constraints.txt -e ".[build]"')
    places = {name: Path(given) for name in ("nbgrader", "release") if (given := getattr(options, name)) is not None}
    return build(options.lessons or None, execute=options.execute, check=options.check, **places)


def _data_check(options) -> int:
    from mmlearn import data

    problems = data.check(options.name)
    print(
        "\n".join(problems) if problems else f"Every file is as it should be: {options.name or ', '.join(data.SETS)}."
    )
    return 1 if problems else 0


def _data_build(options) -> None:
    from mmlearn import data

    data.build(options.name, options.out)


def _experiment(options) -> None:
    from pathlib import Path

    from mmlearn.experiments import experiments
    from mmlearn.experiments.runner import sweep

    if options.name:
        sweep(options.name, options.jobs, Path(options.out) if options.out else None)
        return
    for e in experiments():
        print(f"{e.name:<20} lesson {e.lesson}, {len(e.points):>3} points  {e.question}")


def _zoo_list(options) -> None:
    from mmlearn.experiments import zoo

    for name in zoo.names():
        known = zoo.card(name)
        print(
            f"{name}: {known['what']}\n  {known['parameters']:,} parameters, {known['minutes']:.0f} minutes of one core"
        )
        print("  " + ", ".join(f"{measure} {value:.3f}" for measure, value in known["measured"].items()))


def _zoo_train(options) -> None:
    from pathlib import Path

    from mmlearn.experiments import zoo

    print(f"wrote {zoo.make(options.name, Path(options.out) if options.out else None).name} and its card")


def _zoo_check(options) -> int:
    from mmlearn.experiments import zoo

    new, recorded = zoo.again(options.name, options.share)
    for stretch, (now, then) in enumerate(zip(new, recorded, strict=True), 1):
        print(f"stretch {stretch:>3} of {zoo.POINTS}: loss {now:.4f}, recorded {then:.4f}")
    furthest = max(abs(now - then) for now, then in zip(new, recorded, strict=True))
    print(
        f"furthest apart: {furthest:.4f}" + ("" if furthest <= zoo.NEAR else f"; more than {zoo.NEAR} is another curve")
    )
    return 0 if furthest <= zoo.NEAR else 1


def _bench(options) -> None:
    from pathlib import Path

    from mmlearn.bench.run import bench

    bench(
        options.models,
        options.size,
        rounds=options.rounds,
        batch=options.batch,
        threads=options.threads,
        device=options.device,
        file=Path(options.json) if options.json else None,
    )


def _grade(options) -> None:
    from pathlib import Path

    from mmlearn.course.grader.classroom import grade

    grade(
        Path(options.submissions),
        options.lesson,
        Path(options.out),
        jobs=options.jobs,
        only=options.only,
        seed=options.seed,
        gradebook=options.gradebook,
        dask=options.dask,
    )


def _new(options) -> None:
    from mmlearn.course.builder.new import new

    print(new(options.lesson))
