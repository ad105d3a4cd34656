"""A machine whose task fails, and whose execution somebody redrives minutes later.

No recording has a redrive, so how its history looks is inferred from the
documentation: the state that failed is scheduled again without being entered again,
what had succeeded is left alone, and the counts of the Retry field begin anew.
"""

from sfnwatch.demo.plans import Scenario, TaskRun, on_fargate

_MACHINE = "monthly-invoices"
REDRIVE = Scenario(
    name="redrive",
    machine=_MACHINE,
    start_at="Prepare",
    states={
        "Prepare": {"Type": "Pass", "Next": "Write invoices"},
        "Write invoices": {
            "Type": "Task",
            "Resource": "arn:aws:states:::ecs:runTask.sync",
            "Parameters": on_fargate(_MACHINE),
            "ResultPath": "$.task",
            "Next": "Sent",
        },
        "Sent": {"Type": "Pass", "End": True},
    },
    tries={
        "Write invoices": (
            TaskRun(74.3, 1.4, polls=(57,), exit_code=1),
            TaskRun(131.8, 1.7, polls=(58, 117)),
        )
    },
    redriven_after=(368.0,),
)
