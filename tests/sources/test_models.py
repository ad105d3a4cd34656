"""What describes the services, as botocore reads it."""

from pathlib import Path

import pytest
from botocore.exceptions import UnknownServiceError
from botocore.loaders import create_loader

from sfnwatch.sources.models import Models

SERVICES = ("stepfunctions", "cloudtrail", "sts", "sso", "sqs", "logs", "s3", "athena")


@pytest.mark.parametrize("kind", ["service-2", "endpoint-rule-set-1", "paginators-1"])
@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_described_as_botocore_does_it(service: str, kind: str) -> None:
    told = create_loader().load_service_model(service, kind)
    read = Models().load_service_model(service, kind)
    assert read == told


@pytest.mark.parametrize("name", ["endpoints", "partitions", "_retry"])
def test_so_is_what_is_of_no_service(name: str) -> None:
    assert Models().load_data(name) == create_loader().load_data(name)


def test_a_service_that_is_not_there_is_missed_among_those_that_are() -> None:
    with pytest.raises(UnknownServiceError) as told:
        create_loader().load_service_model("no-such", "service-2")
    with pytest.raises(UnknownServiceError) as missed:
        Models().load_service_model("no-such", "service-2")
    assert str(missed.value) == str(told.value)


def test_what_is_no_strict_json_is_read_as_botocore_reads_it(tmp_path: Path) -> None:
    folder = tmp_path / "own" / "2020-01-01"
    folder.mkdir(parents=True)
    (folder / "service-2.json").write_text('{"metadata": {"weight": NaN}}')
    models = Models(extra_search_paths=[str(tmp_path)])
    weight = models.load_service_model("own", "service-2")["metadata"]["weight"]
    assert weight != weight  # noqa: PLR0124 - only NaN is so
