/* SPDX-License-Identifier: MIT */
/*
 * doctor.h - what this machine, or container, lets a pool do, and how to have it allow the rest
 *
 * A table of checks (table.c), each one function that looks at one thing and fills in one finding. Things are tried
 * for real where that hurts nobody. Nothing is changed.
 */
#pragma once

#include "brood.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

enum verdict {
	VERDICT_OK,
	VERDICT_WARN,	/* it works, but less well than it could, or something may go wrong */
	VERDICT_BAD,	/* the pool would not start, or not do what it was told to */
};

/* What the pool would be. */
struct patient {
	struct brood_options	 pool;		/* defaults filled in; .workers 0 = auto */
	unsigned		 n_workers;
	unsigned		 n_usable;	/* processors */
	const char		*const *listen;
	size_t			 n_listen;
	const char		*root;		/* of cgroup_find() */
};

#define REMEDIES_MOST	8
#define REMEDY_BYTES	192

struct remedy {
	const char	*where;		/* "docker run", "unit", ...: static */
	char		 how[REMEDY_BYTES];
};

struct finding {
	const char	*name;
	enum verdict	 verdict;
	char		 what[256];		/* there is */
	char		 means[320];		/* unless it is ok */
	unsigned	 n_remedies;
	struct remedy	 remedies[REMEDIES_MOST];
};

typedef void check_fn(const struct patient *patient, struct finding *finding);

struct check {
	const char	*name;
	check_fn	*look;
};

/* table.c */
extern const struct check check_table[];
extern const size_t check_table_len;

/* With the defaults of @options filled in. Borrows both. */
void patient_init(struct patient *patient, const struct brood_options *options, const char *const *listen,
		  size_t n_listen);

/* finding.c */
void found(struct finding *f, enum verdict verdict, const char *format, ...) __attribute__((format(printf, 3, 4)));
void means(struct finding *f, const char *format, ...) __attribute__((format(printf, 2, 3)));
void remedy(struct finding *f, const char *where, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* A sysctl of the network namespace, in all the places it can be written in. */
void remedy_sysctl(struct finding *f, const char *name, const char *value);

/* report.c */

/* Examines, and prints as it goes, or in the end as one JSON object. Return: whether anything is bad. */
bool doctor_report(const struct patient *patient, bool json, FILE *out);

/* proc.c */

/* The number in a file. Return: false = there is none. */
bool read_number(const char *path, unsigned long *ret_number);
/* The first line of a file, without its end. Return: false = there is none. */
bool read_line(const char *path, char *out, size_t size);
/* The value of a field "Name:" of /proc/self/status. Return: false = there is none. */
bool read_status(const char *field, char *out, size_t size);
bool has_capability(unsigned number);
/* Who the workers would be. */
uid_t uid_of_workers(const struct patient *patient);

/* uring.c */
check_fn check_uring, check_uring_disabled, check_seccomp, check_memlock;
/* sockets.c */
check_fn check_port, check_port_range, check_somaxconn, check_syn_backlog, check_migrate, check_congestion,
	check_nofile;
/* cgroups.c */
check_fn check_cpu, check_memory, check_oom_group, check_pids;
/* process.c */
check_fn check_ebpf, check_user, check_process_1, check_stop_timeout;
