/* SPDX-License-Identifier: MIT */
/* table - what is looked at, in the order it is told */
#include "base/auto.h"
#include "base/cpu.h"
#include "doctor/doctor.h"
#include "setting.h"

const struct check check_table[] = {
	{ "io_uring",		check_uring },
	{ "io_uring_disabled",	check_uring_disabled },
	{ "seccomp",		check_seccomp },
	{ "memlock",		check_memlock },
	{ "ebpf",		check_ebpf },
	{ "port",		check_port },
	{ "port_range",		check_port_range },
	{ "nofile",		check_nofile },
	{ "somaxconn",		check_somaxconn },
	{ "syn_backlog",	check_syn_backlog },
	{ "tcp_migrate_req",	check_migrate },
	{ "congestion",		check_congestion },
	{ "cpu",		check_cpu },
	{ "memory",		check_memory },
	{ "oom_group",		check_oom_group },
	{ "pids",		check_pids },
	{ "user",		check_user },
	{ "process_1",		check_process_1 },
	{ "stop_timeout",	check_stop_timeout },
};

const size_t check_table_len = ARRAY_LEN(check_table);

void patient_init(struct patient *patient, const struct brood_options *options, const char *const *listen,
		  size_t n_listen)
{
	*patient = (struct patient){
		.pool = *options, .n_usable = cpu_usable(), .listen = listen, .n_listen = n_listen, .root = "",
	};
	for (const struct setting *s = setting_table; s->name; s++)
		if (setting_load(s, &patient->pool) == 0)
			setting_store(s, &patient->pool, s->usual);
	patient->n_workers = patient->pool.workers ? patient->pool.workers : patient->n_usable;
}
