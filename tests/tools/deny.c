/* SPDX-License-Identifier: MIT */
/*
 * deny - run a program where something is refused: deny io_uring|pidfd EPERM|ENOSYS PROG ARG...
 *
 * A seccomp filter answers io_uring_setup, _enter and _register, or pidfd_open, with that error, in the program and in
 * all it starts: as a container's default profile does (EPERM), or as a kernel that has none would (ENOSYS).
 */
#include <err.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define NATIVE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define NATIVE AUDIT_ARCH_RISCV64
#else
#define NATIVE 0	/* nothing is refused then, and a test that expects it fails */
#endif

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define JUMP_IF(value, skip_then, skip_else) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), (skip_then), (skip_else))
#define ANSWER(action) BPF_STMT(BPF_RET | BPF_K, (action))

struct denial {
	const char	*name;
	unsigned	 calls[3];
};

static const struct denial denials[] = {
	{ "io_uring", { __NR_io_uring_setup, __NR_io_uring_enter, __NR_io_uring_register } },
	{ "pidfd", { __NR_pidfd_open, __NR_pidfd_open, __NR_pidfd_open } },
};

static void refuse(const unsigned calls[3], unsigned error)
{
	struct sock_filter filter[] = {
		LOAD(arch),
		JUMP_IF(NATIVE, 0, 4),
		LOAD(nr),
		JUMP_IF(calls[0], 3, 0),
		JUMP_IF(calls[1], 2, 0),
		JUMP_IF(calls[2], 1, 0),
		ANSWER(SECCOMP_RET_ALLOW),
		ANSWER(SECCOMP_RET_ERRNO | error),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		err(1, "seccomp");
}

int main(int argc, char **argv)
{
	const struct denial *denial = NULL;

	for (size_t i = 0; argc > 3 && i < sizeof(denials) / sizeof(denials[0]); i++)
		if (strcmp(argv[1], denials[i].name) == 0)
			denial = &denials[i];
	if (!denial || (strcmp(argv[2], "EPERM") != 0 && strcmp(argv[2], "ENOSYS") != 0))
		errx(2, "usage: deny io_uring|pidfd EPERM|ENOSYS PROG ARG...");
	refuse(denial->calls, strcmp(argv[2], "EPERM") == 0 ? EPERM : ENOSYS);
	execvp(argv[3], argv + 3);
	err(1, "%s", argv[3]);
}
