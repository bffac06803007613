/* SPDX-License-Identifier: MIT */
/*
 * process - one after another on stacks of their own
 *
 * A process runs until it waits; then the world chooses who is next. Its memory is counted to it, and dies with
 * it wherever it was.
 */
#include "world/kernel.h"

#include "world/cover.h"

#include "engine/engine.h"
#include "worker/room.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define STACK_BYTES (256 * 1024)

struct world world;
static void *spare_stacks[PROCESSES_MOST];
static unsigned n_spare_stacks;

/* ---- switching ---- */

#ifdef __SANITIZE_ADDRESS__
#include <dlfcn.h>
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>

/* Its own of this name warns that it does not know what is told it below. */
static int switch_context(ucontext_t *from, const ucontext_t *to)
{
	static int (*of_libc)(ucontext_t *from, const ucontext_t *to);

	if (!of_libc)
		of_libc = dlsym(dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD), "swapcontext");
	return of_libc(from, to);
}

static ucontext_t home;
static void *home_fake;
static const void *home_bottom;
static size_t home_bytes;

/* What one that was killed has left there. */
static void clean_stack(void *stack)
{
	__asan_unpoison_memory_region(stack, STACK_BYTES);
}

static void enter_stack(void *stack)
{
	__sanitizer_start_switch_fiber(&home_fake, stack, STACK_BYTES);
}

static void entered_home(void)
{
	__sanitizer_finish_switch_fiber(home_fake, NULL, NULL);
}

static void enter_home(void **fake)
{
	__sanitizer_start_switch_fiber(fake, home_bottom, home_bytes);
}

static void entered_stack(void *fake)
{
	__sanitizer_finish_switch_fiber(fake, &home_bottom, &home_bytes);
}

static void go_home(struct process *p)
{
	void *fake = NULL;

	enter_home(p->dead ? NULL : &fake);
	switch_context(&p->context, &home);
	entered_stack(fake);
}

static void leave_home(struct process *p)
{
	enter_stack(p->stack);
	switch_context(&home, &p->context);
	entered_home();
}
#else
static void *home_place[JUMP_WORDS];

static void clean_stack(void *stack) { }
static void entered_stack(void *fake) { }

static __attribute__((noinline, noreturn)) void jump(void **place)
{
	__builtin_longjmp(place, 1);
}

/* swapcontext(3) would ask the kernel about signals at each step, for a quarter of the time that all of it takes. */
static __attribute__((noinline)) void go_home(struct process *p)
{
	if (__builtin_setjmp(p->place) == 0)
		jump(home_place);
}

static __attribute__((noinline)) void leave_home(struct process *p)
{
	if (__builtin_setjmp(home_place) != 0)
		return;
	if (p->has_begun)
		jump(p->place);
	p->has_begun = true;
	setcontext(&p->context);
}
#endif

static void begin(void)
{
	struct process *p = world.current;

	entered_stack(NULL);
	process_end(p, p->main(p), 0);
	go_home(p);
	abort();	/* the dead are not run */
}

static void finish(struct process *p)
{
	process_end(p, 0, SIGKILL);
	if (p->parent_pid == 1)
		process_forget(p);
}

void process_run(struct process *p)
{
	if (p->doomed) {
		finish(p);
		return;
	}
	world.current = p;
	self_set(p->worker);
	leave_home(p);
	p->worker = self_get();
	world.current = NULL;
	if (p->dead && p->parent_pid == 1)
		process_forget(p);
}

void process_wait(bool (*is_ready)(struct process *p), void *waits_for, uint64_t until_ms)
{
	struct process *p = world.current;

	p->is_ready = is_ready;
	p->waits_for = waits_for;
	p->until_ms = until_ms;
	go_home(p);
}

bool process_is_ready(const struct process *p)
{
	if (p->doomed)
		return world.now_ms >= p->ends_ms;
	if (p->dead || p->stopped)
		return false;
	if (!p->is_ready || world.now_ms >= p->until_ms)
		return true;
	return p->is_ready((struct process *)p);
}

/* ---- life ---- */

static struct process *free_place(void)
{
	for (unsigned i = 0; i < PROCESSES_MOST; i++)
		if (world.processes[i].pid == 0)
			return &world.processes[i];
	broken("%d processes at a time", PROCESSES_MOST);
}

static void *take_stack(void)
{
	void *stack;

	if (n_spare_stacks > 0)
		return spare_stacks[--n_spare_stacks];
	stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	holds(stack != MAP_FAILED, "no memory for a stack");
	return stack;
}

struct process *process_create(int (*main)(struct process *p), void *arg)
{
	struct process *p = free_place();

	*p = (struct process){
		.pid = ++world.last_pid, .parent_pid = world.current ? world.current->pid : 1,
		.main = main, .arg = arg, .stack = take_stack(), .until_ms = UINT64_MAX,
	};
	list_init(&p->heap);
	clean_stack(p->stack);
	getcontext(&p->context);
	p->context.uc_stack.ss_sp = p->stack;
	p->context.uc_stack.ss_size = STACK_BYTES;
	makecontext(&p->context, begin, 0);
	trace("born", (uint64_t)p->pid, 0, 0);
	return p;
}

struct process *process_find(pid_t pid)
{
	process_each(p)
		if (p->pid == pid)
			return p;
	return NULL;
}

const char *process_name(const struct process *p)
{
	static char name[24];

	if (!p)
		return "world";
	snprintf(name, sizeof(name), p->pid == world.parent_pid ? "parent" : "pid %d", (int)p->pid);
	return name;
}

static void free_heap(struct process *p);

static void raise_pending(struct process *p, int number)
{
	p->pending |= UINT64_C(1) << number;
	p->n_signals++;
}

static void tell_parent(const struct process *p)
{
	struct process *parent = process_find(p->parent_pid);

	if (parent)
		raise_pending(parent, SIGCHLD);
}

/* Of the pool's parent: its children drain, and nobody waits for them. */
static void leave_orphans(const struct process *parent)
{
	process_each(p) {
		if (p->parent_pid != parent->pid)
			continue;
		p->parent_pid = 1;
		raise_pending(p, SIGTERM);	/* PR_SET_PDEATHSIG */
		if (p->dead)
			process_forget(p);
	}
}

void process_end(struct process *p, int code, int signal)
{
	p->doomed = false;
	trace("ends", (uint64_t)p->pid, (uint64_t)code, (uint64_t)signal);
	cover_count(&cover->deaths);
	p->dead = true;
	p->code = code;
	p->signal = signal;
	if (world.stop_by_ms != 0 && signal != 0)
		world.harsh = true;
	engine_forget(p);
	for (int fd = 0; fd < FDS_MOST; fd++)
		if (p->fds[fd])
			file_close(p, fd);
	free_heap(p);
	tell_parent(p);
	if (p->pid != world.parent_pid)
		return;
	world.exit_code = signal ? -2 : code;
	world.crew = NULL;
	leave_orphans(p);
}

void process_forget(struct process *p)
{
	spare_stacks[n_spare_stacks++] = p->stack;
	p->pid = 0;
}

/* ---- signals ---- */

static void run_handler(struct process *p, int number, int si_code)
{
	siginfo_t info = { .si_signo = number, .si_code = si_code };
	struct process *before = world.current;
	struct worker *self = self_get();

	world.current = p;
	self_set(p == before ? self : p->worker);
	p->on_fault[number](number, &info, NULL);
	self_set(self);
	world.current = before;
}

static void die_of(struct process *p, int number)
{
	if (p->on_fault[number])
		run_handler(p, number, p == world.current ? 1 : SI_USER);
	if (!p->dead)
		process_end(p, 0, number);
	if (p == world.current)
		go_home(p);
	else if (p->parent_pid == 1)
		process_forget(p);
}

static void stop_or_go_on(struct process *p, bool stopped)
{
	if (p->stopped == stopped)
		return;
	p->stopped = p->stop_changed = stopped;
	p->stop_changed = true;
	tell_parent(p);
}

void process_signal(struct process *p, int number)
{
	if (p->dead || p->doomed)
		return;
	trace("signal", (uint64_t)p->pid, (uint64_t)number, 0);
	switch (number) {
	case SIGKILL:
		p->doomed = true;
		p->ends_ms = world.now_ms + (chance_one_in(2) ? chance_below(40) : 0);
		break;
	case SIGSTOP:
		stop_or_go_on(p, true);
		break;
	case SIGCONT:
		stop_or_go_on(p, false);
		if (p->pending & UINT64_C(1) << SIGABRT)
			die_of(p, SIGABRT);
		break;
	case SIGABRT:
		raise_pending(p, SIGABRT);
		if (!p->stopped)
			die_of(p, SIGABRT);
		break;
	default:
		raise_pending(p, number);
		break;
	}
}

_Noreturn void process_fault(int number)
{
	die_of(world.current, number);
	abort();	/* the dead are not run */
}

CALL(int, raise, int number)
{
	process_end(world.current, 0, number);
	return 0;
}

CALL(int, sigaction, int number, const struct sigaction *action, struct sigaction *old)
{
	if (action->sa_flags & SA_SIGINFO)
		world.current->on_fault[number] = action->sa_sigaction;
	return 0;
}

/* ---- memory ---- */

struct block {
	struct list	link;
	void		*base;		/* what is to be freed, which may begin before it */
} __attribute__((aligned(16)));

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void __real_free(void *at);

void *world_alloc(size_t n)
{
	void *at = __real_calloc(1, n);

	holds(at, "no memory for the world");
	return at;
}

void world_free(void *at)
{
	__real_free(at);
}

static void free_heap(struct process *p)
{
	struct list *link;

	while ((link = list_take(&p->heap)))
		__real_free(((struct block *)link)->base);
}

/* The parent needs its memory to start, and then no more; an engine under epoll must have it. */
static bool is_refused(const struct process *p)
{
	return p && p->engine && p->pid != world.parent_pid && !engine_wants_memory(p->engine) &&
	       chance_of(FAULT_NO_MEMORY);
}

static void *give_block(struct process *p, struct block *block, void *base)
{
	if (!base) {
		errno = ENOMEM;
		return NULL;
	}
	if (p)
		list_append(&p->heap, &block->link);
	else
		block->link = (struct list){ NULL, NULL };
	block->base = base;
	return block + 1;
}

CALL(void *, malloc, size_t n)
{
	struct process *p = world.current;
	struct block *block = is_refused(p) ? NULL : __real_malloc(sizeof(*block) + n);

	return give_block(p, block, block);
}

CALL(void *, calloc, size_t n, size_t size)
{
	struct process *p = world.current;
	struct block *block;

	block = is_refused(p) ? NULL : __real_calloc(1, sizeof(*block) + n * size);	/* touches no page */
	return give_block(p, block, block);
}

CALL(void *, aligned_alloc, size_t alignment, size_t n)
{
	struct process *p = world.current;
	char *base = is_refused(p) ? NULL : __real_malloc(sizeof(struct block) + alignment + n);
	char *at = base ? base + sizeof(struct block) : NULL;

	if (at)
		at += -(uintptr_t)at & (alignment - 1);
	return give_block(p, at ? (struct block *)at - 1 : NULL, base);
}

CALL(void, free, void *at)
{
	struct block *block;

	if (!at)
		return;
	block = (struct block *)at - 1;
	if (list_linked(&block->link))
		list_remove(&block->link);
	__real_free(block->base);
}

CALL(char *, strdup, const char *text)
{
	size_t n = strlen(text) + 1;
	char *copy = __wrap_malloc(n);

	return copy ? memcpy(copy, text, n) : NULL;
}
