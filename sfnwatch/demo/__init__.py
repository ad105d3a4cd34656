"""A simulated AWS account on loopback. Everything in it is synthetic.

Names, ids and payloads are made up. Times and forms are recorded facts: when Step
Functions polled (a published experiment with `ecs:runTask`), the text of its
AccessDenied, the fields of its history events and of an ECS task. What no public
recording shows is inferred: the request and response parts of the CloudTrail records
of RunTask, DescribeTasks, StartExecution and DescribeExecution, when DescribeExecution
is called, the output of `aws-sdk:ecs:runTask`, the words of LookupEvents' own errors,
and all of Map Runs whose children fail.

It stands alone: it shares no decoder with the code it is there to test.
"""
