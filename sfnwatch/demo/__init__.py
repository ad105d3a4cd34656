"""A simulated AWS account on loopback. Everything in it is synthetic.

Names, ids and payloads are made up. Recorded facts are used for times and forms:
when Step Functions polled (the rows of a published experiment with `ecs:runTask`),
the text of its AccessDenied, the fields of its history events and of an ECS task.
Inferred, since no public recording has them: the request and response parts of the
CloudTrail records of RunTask, DescribeTasks, StartExecution and DescribeExecution, when
DescribeExecution is called, the output of `aws-sdk:ecs:runTask`, AssumeRole by Step
Functions, the words of LookupEvents' own errors, and all of Map Runs whose children
fail.

It stands alone: it shares no decoder with the code it is there to test.
"""

from sfnwatch.demo.scenarios import SCENARIOS

__all__ = ["SCENARIOS"]
