"""What is installed from a built wheel, in an environment that has nothing else."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import eventmanager
from tests.tools import PROJECT

IMPORTS = (
    "from eventmanager.client import EventSender, connect",
    "from live.eventmanager.v1.event_pb2 import Event",
    "from live.eventmanager.v1.ingest_service_pb2_grpc import IngestServiceStub",
    "from live.eventmanager.v1.analytics_service_pb2_grpc import AnalyticsServiceStub",
    "from live.eventmanager.v1.admin_service_pb2_grpc import AdminServiceStub",
    "import eventmanager.server, eventmanager.demo.show",
)


def run(*command: str | Path) -> str:
    """Run a command, and return what it prints. Asserts that it succeeds."""
    done = subprocess.run(command, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL)

    assert 0 == done.returncode, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that this checkout makes."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, PROJECT)
    (file,) = folder.glob("*.whl")
    return file


def test_the_wheel_has_what_is_needed_and_no_more(wheel: Path) -> None:
    """Package, contract, schemas and types are in it; tests and scripts are not; `live` is left open to others."""
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}

    assert {"eventmanager", "live", f"eventmanager_live-{eventmanager.__version__}.dist-info"} == tops
    assert {"eventmanager/py.typed", "live/eventmanager/py.typed", "live/eventmanager/v1/event_pb2.pyi"} <= set(names)
    assert any(name.startswith("eventmanager/store/schema/sqlite/") for name in names)
    assert "live/__init__.py" not in names
    assert not [name for name in names if name.endswith((".pyc", ".proto"))]


def test_an_empty_environment_needs_nothing_but_the_wheel(wheel: Path, tmp_path: Path) -> None:
    """Installed alone it brings what it needs: the command, the server, and the client's imports."""
    run(sys.executable, "-m", "venv", tmp_path / "venv")
    python = tmp_path / "venv" / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel)

    for line in IMPORTS:
        run(python, "-W", "error", "-c", line)

    assert f"eventmanager {eventmanager.__version__}\n" == run(tmp_path / "venv" / "bin" / "eventmanager", "--version")
    assert "Traffic" in run(tmp_path / "venv" / "bin" / "eventmanager", "demo", "--events", "100", "--seconds", "0")
