"""Grading a class: `mmlearn grade`.

A notebook is untrusted. Nothing of it runs in the grader's own process, and what comes back from the process that runs
it is numbers and text, never objects. One file a step, in the order of the steps:

    submissions   who handed in what: a folder, nbgrader's tree, or a zip from Moodle or Canvas
    cells         the learner's exercise cells out of a notebook, and the notebook rebuilt around them
    kit, slices   what the learner's process is given: the probes, and references for what an exercise needs
    sandbox       the learner's processes, seen from outside: jobs go in, results come out
    zygote, isolation, inside   the same from inside: made, walled in, run
    wire          results as bytes, bounded and not executable
    marking       one submission: a mark for each exercise
    classroom     all submissions: progress, resumption, the order of things
    reports, similarity   what the instructor and the learners read
    gradebook     nbgrader's: scores, and files for formgrader
"""
