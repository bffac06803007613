# SPDX-License-Identifier: MIT
"""The fixed text of the report: nothing in it is a result."""
from lib.arms import BACKLOG_TOTAL
from lib.slices import KILL_AT, OTHERS_MAX, SLOW_BYTES, STOLEN_MAX
from lib.statistics_of import RESAMPLES, SEED
from lib.workloads import RATE_ASYNC, RATE_CLOSE, RATE_FEW, RATE_OPEN, RATE_KEEPALIVE, RATE_KILL, RATE_SLOW, RATE_SPIN, RATE_SPIN_CLOSE

TITLE = """\
# Three accept models, measured

Is SO_REUSEPORT better than a shared listening socket or than a parent that deals out connections, when, and by
how much? brood has all three behind one switch, with the same serve loop; this compares them with each other
and with other servers. The file is written by `make bench`; every number is computed from the JSON lines it
leaves in `build/bench/full.jsonl`.

- **reuseport**: every worker has its own listening socket; the kernel hashes a connection to one of them.
- **preemptive**: the parent opens one listening socket; the workers compete for what arrives.
- **round-robin**: the parent accepts, and hands connection after connection to worker after worker.

A ratio is a median of paired ratios with its 95 % interval: `0.97 (0.95–0.99)`. A star: too few undisturbed
slices, so disturbed ones had to do."""

CANNOT = """\
## What these numbers cannot tell

- **Loopback.** There is no network card, no interrupt steering, no queue per core; sending runs the receiver's
  half of TCP in the sender's time. What reuseport gains from a connection staying on the core its packets
  arrive at cannot show here.
- **Few cores.** With as many workers as cores and a client beside them, the models never compete on a socket
  lock from many cores, which is where a shared listener is known to suffer. The round-robin parent, too, is far from
  its limit.
- **The client takes part.** In the floating workloads it runs on the same cores as the servers, with real-time
  priority where that is permitted, so that it keeps to its schedule. That takes CPU from the servers and delays
  answers; it is the same for all. A worker that spins, too, takes a core from the others.
- **Connections opened all at once** land where the scheduler lets them: on two cores, one of them busy with the client,
  the first worker that is woken takes the whole burst from a shared socket before another one runs.
- **More workers than cores** show where connections land; their latency is that of the scheduler too.
- **A guest.** Microseconds move with the host; ratios of neighbouring slices move less. Slices with stolen time are
  discarded, but a busy sibling thread is not seen.
- **One client address.** The hash sees different ports only."""

METHOD = f"""\
## Method

- **Slices** are interleaved: each round takes one of every contender, odd rounds in reverse (ABBA), with a
  warm-up before each. All contenders of a workload are up all the time; those not asked are idle.
- **CPU time per request** is that of all the server's processes, to the nanosecond (schedstat), with dead
  workers (from their parent's account, in clock ticks); divided by the requests the client counted, or, at a
  fixed rate, by those due in the window.
- **Plain workloads** have all of the server on one CPU and the client on another. **The others** float over all
  CPUs.
- **Latency** is from `openloop`: from the time a request was due, not from when it could be sent, so a stall is
  charged for everything that was due meanwhile. Arrivals are random (Poisson) where latency is the score. A
  table's percentile is the median of the slices' percentiles; p99.9 of a short slice is close to its maximum.
- **Fixed rates**, for every contender the same: {RATE_KEEPALIVE:,}/s kept alive, {RATE_CLOSE:,}/s with a
  connection each, {RATE_SPIN:,}/s kept alive and {RATE_SPIN_CLOSE:,}/s with a connection each where 1 % spins,
  {RATE_ASYNC:,}/s where 5 % sleeps, {RATE_FEW:,}/s on few connections (opened at {RATE_OPEN:,}/s), {RATE_KILL:,}/s with kills,
  {RATE_SLOW:,}/s beside slow readers ({SLOW_BYTES >> 10} KiB/s each).
- **A kill** is SIGKILL to one worker, {KILL_AT} s into each second, in turn.
- **Discarded** and counted are slices with more than {STOLEN_MAX:.0%} of stolen time, with more than
  {OTHERS_MAX:.0%} of other load on the pinned server's CPU, with an unmet rate, or with any error of the
  client. Each is taken once more. Failed connections count even when the slice does not.
- **Intervals** are bootstraps of the median ({RESAMPLES:,} resamples, seed {SEED}).
- **The same for all**: {BACKLOG_TOTAL:,} places in the queues of a server's listening sockets together (shared
  listeners have them in one, nginx and brood with reuseport divide them, h2o and the null servers choose their
  own), the system's congestion control, no access log, a body of the same bytes. A contender that answers
  wrongly is refused with the reason.
- **enters, SQEs, CQEs** are brood's own counters over the life of the pool in that workload: system calls that
  waited, operations submitted, completions seen. With epoll they are `epoll_wait` calls and the events it gave.
- **Threads**: HAProxy (`nbthread`) and h2o (`num-threads`) have as many threads as the others have workers, and
  one listening socket. Their connections per worker cannot be seen from outside. h2o serves the text as a file,
  because without mruby it has no other constant answer; HAProxy serves no files.
- **nginx shared** is one listening socket with `accept_mutex off`; **node** is its cluster module, SCHED_RR or
  SCHED_NONE; **node behind brood** is the same server as every worker of `brood run`.
- **proxy** is `bench/proxy`: an acceptor that forwards bytes to brood workers on ports of their own.
- **null_uring, null_epoll** receive, look at nothing, and send: the practical limit of each kernel interface."""

PLAIN = "## Plain workloads"
LATENCY = """\
## Requests that take long

Requests that neither spin nor sleep are "the others": what they wait for is the busy worker they were given to."""
SPREAD = """\
## Few long-lived connections

max/mean is the busiest worker's connections over the mean: 1 is even, the number of workers means that one has
everything. Every slice opens its connections anew. Variation is the standard deviation over the mean."""
HARD = "## Killed workers, slow readers"
SINGLES = """\
## Each part by itself

What a bench of its own measured: `bench/footprint.py`, `respawn.py`, `echo.py` (and with `--udp`, one by one and `--burst 16`), `programs.py` (which
runs `build/bench/messages` and `state`), `redis.py`, `tasks.py`, `balance.py`, `metrics.py`, and a tenth of
`planned.py` on io_uring; `bench/planned.py` alone runs all of it, as root and as nobody and on both engines. A number is
the median of its slices with the 95 % interval of that median. The null is the least that could do the same, or the same
without what is measured; a ratio is paired, slice by slice in turn (those of `messages` alone are not in turn)."""
GUESTS = """\
## Node behind brood run

What `bench/guests.py` printed: one Node server, two workers, as the workers of Node's own cluster (SCHED_RR) and of
`brood run`, on the same two cores as the client, slices interleaved."""
SHARED = """\
## Who gets the connections of a shared listener

By method of waiting and accepting, printed by `bench/shared_listener`. `--model preemptive` waits with io_uring by the
exclusive poll and one accept4 (in turn, and a worker that dies loses nothing it has not accepted), with epoll as nginx
does. What a worker has armed in its ring stays armed while it is busy: that is the wait in the last table."""
BELIEF = """\
## Can the client be believed

What `bench/openloop_check.py` printed. A send on loopback runs the receiver's half of TCP in the sender's time, so what
the client costs in all hangs on how many sends a wake-up can share."""
COMMANDS = """\
As recorded, with what varies written as MODEL, ENGINE, N, BACKLOG (so that N queues make the total), PORT and DIR."""
