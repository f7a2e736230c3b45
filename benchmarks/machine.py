"""What the machine says of itself and of its processes."""

from pathlib import Path


def peak(process: int | str = "self") -> float:
    """GB that a process has had at most."""
    lines = Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines()
    found = next(line for line in lines if line.startswith("VmHWM"))
    return int(found.split()[1]) / 1e6


class Stolen:
    """Share of processor time for which the host kept this machine waiting, since it was made."""

    def __init__(self) -> None:
        self._before = self._times()

    def share(self) -> float:
        """Steal of all time."""
        now = self._times()
        spent = [after - before for before, after in zip(self._before, now, strict=True)]
        return spent[7] / max(sum(spent), 1)

    @staticmethod
    def _times() -> list[int]:
        line = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0]
        return [int(number) for number in line.split()[1:9]]
