# SPDX-License-Identifier: MIT
"""The measured points that the simulator must agree with, in the form it takes them."""
from lib.arms import BALANCES
from lib.statistics_of import median

KEEPALIVE, CLOSE = "keepalive-64", "close"


def share(mix):
    """'1:/spin?ms=10' as '1:10000': percent and microseconds."""
    if not mix:
        return None
    percent, path = mix.split(":", 1)
    return f"{percent}:{int(path.split('ms=')[1]) * 1000}"


def service_us(measured, arm, close):
    """CPU time of one request where that model and engine were saturated with one worker."""
    return measured.middle(CLOSE if close else KEEPALIVE, f"brood {arm.model} {arm.engine} x1", "us")


def as_simulated(arm):
    """(how it is called, the simulator's model). "epoll" in the name means that the
    worker that slept last is woken first."""
    model = {"SCHED_RR": "round-robin", "SCHED_NONE": "preemptive", "shared": "preemptive"}.get(arm.model, arm.model)
    name = arm.name.rsplit(" x", 1)[0]
    return name if arm.server == "brood" else f"{name}, epoll", model


def cores_left(measured, workload, arm, cores):
    """The client runs on them too."""
    busy = measured.middle(workload.key, arm.name, "client_busy")
    return round(cores - (busy or 0), 3)


def latency_row(measured, workload, arm, cores):
    service = service_us(measured, arm, workload.close)
    p99 = measured.middle(workload.key, arm.name, "p99")
    if arm.server != "brood" or service is None or p99 is None:
        return None
    mix = share(workload.mix)
    return {
        "kind": "latency", "workload": workload.key, "server": as_simulated(arm)[0],
        "model": as_simulated(arm)[1], "workers": arm.workers,
        "connections": None if workload.close else workload.connections_for(arm),
        "close": workload.close, "rate": workload.rate, "service_us": service,
        "spin": mix if "/spin" in workload.mix else None, "sleep": mix if "/sleep" in workload.mix else None,
        "cores": cores_left(measured, workload, arm, cores), "p99_us": p99, "p99_others_us": measured.middle(workload.key, arm.name, "p99_others"),
    }


def spread_row(measured, workload, arm):
    values = measured.values(workload.key, arm.name, "spread")
    if not values:
        return None
    return {"kind": "spread", "server": as_simulated(arm)[0], "model": as_simulated(arm)[1], "workers": arm.workers,
            "connections": workload.connections_for(arm), "opened": "one-by-one", "max_over_mean": values,
            "median": median(values)}


def rows(measured, workloads, cores):
    found = []
    for workload in workloads:
        for arm in workload.arms:
            if arm.model in BALANCES:
                continue		# the simulator knows the hash
            if workload.mix and arm.engine == "uring":
                found.append(latency_row(measured, workload, arm, cores))
            elif workload.by_worker and workload.open_rate:	# the scheduler, which deals out bursts, is not modelled
                found.append(spread_row(measured, workload, arm))
    return [r for r in found if r]
