/* SPDX-License-Identifier: MIT */
/*
 * notify - tells the service manager that started us how we are: sd_notify(3), without its library
 *
 * Nothing happens where no service manager wants to know, nor while the pool is another parent's.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

struct crew;

/* Takes its variables out of the environment. Return: 0 or -errno. */
int notify_create(struct crew *crew);
void notify_destroy(struct crew *crew);
/* They are there for a program that is started to take over. */
void notify_lend(const struct crew *crew);
void notify_take_back(const struct crew *crew);
/* The pool is ready, or a reload is over. */
void notify_ready(struct crew *crew);
void notify_reloading(struct crew *crew);
void notify_stopping(struct crew *crew, uint32_t timeout_ms);
/* The parent is @pid from now on. */
void notify_main(struct crew *crew, pid_t pid);
/* When notify_expire() has work; 0 = never. */
uint64_t notify_next_ms(const struct crew *crew);
void notify_expire(struct crew *crew);
