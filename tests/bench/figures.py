"""How `make bench` prints what it has measured: each figure with its aim, if it has one."""


def show(what: str, value: float, unit: str, aim: float | None = None, more: str = "") -> None:
    """One line. An aim is the most that the figure should be."""
    wanted = ""
    if aim is not None:
        wanted = f"aim: {aim:g}, {'met' if value <= aim else 'MISSED'}"
    print(f"{what:48} {value:8.2f} {unit:12} {wanted:20} {more}".rstrip(), flush=True)
