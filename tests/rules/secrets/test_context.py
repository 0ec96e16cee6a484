from sp404audit.results import Severity
from sp404audit.rules.secrets.context import is_test_data, lowered


def test_folders_of_tests() -> None:
    assert is_test_data("tests/data/key.pem")
    assert is_test_data("pkg/Fixtures/x/key.pem")
    assert not is_test_data("deploy/tests.pem")
    assert not is_test_data("contest/key.pem")


def test_one_step_lower() -> None:
    assert lowered(Severity.CRITICAL, "tests/a") is Severity.HIGH
    assert lowered(Severity.NOTE, "tests/a") is Severity.NOTE
    assert lowered(Severity.CRITICAL, "a") is Severity.CRITICAL
