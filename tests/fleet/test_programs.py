"""What is missing is named, with what would bring it."""

import pytest

from tests.fleet.programs import MissingProgramsError, program

pytestmark = pytest.mark.unit


def test_missing_program_is_named_with_its_package() -> None:
    with pytest.raises(MissingProgramsError, match=r"^nobodys is not installed: apt-get install nobodys$"):
        program("nobodys")
