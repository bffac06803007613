/* SPDX-License-Identifier: MIT */
/* list - intrusive, doubly linked, circular; a zeroed link is in no list */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list	*prev;
	struct list	*next;
};

#define container_of(link, type, member) \
	((type *)((char *)(link) - offsetof(type, member)))

/* Visits every link; @it may be removed meanwhile, others may not. */
#define list_each(it, tmp, head) \
	for (struct list *it = (head)->next, *tmp = it->next; it != (head); it = tmp, tmp = it->next)

static inline void list_init(struct list *head)
{
	head->prev = head->next = head;
}

static inline bool list_empty(const struct list *head)
{
	return head->next == head;
}

static inline bool list_linked(const struct list *link)
{
	return link->next != NULL;
}

static inline void list_append(struct list *head, struct list *link)
{
	link->prev = head->prev;
	link->next = head;
	head->prev->next = link;
	head->prev = link;
}

static inline void list_remove(struct list *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
	link->prev = link->next = NULL;
}

/* Takes the first link out, or returns NULL. */
static inline struct list *list_take(struct list *head)
{
	struct list *first = head->next;

	if (first == head)
		return NULL;
	list_remove(first);
	return first;
}
