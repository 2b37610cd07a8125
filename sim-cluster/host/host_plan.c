/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * host_plan.c: what the control plane wants a card to be.
 */
#include "host_plan.h"

#include <string.h>

static void attachment_free(void *opaque)
{
    HostAttachment *a = opaque;

    g_free(a->partition);
    g_free(a->interface);
    g_free(a);
}

static void add_interface(HostPlan *p, const ScnInterface *vif)
{
    for (unsigned i = 0; i < vif->namespaces->len; i++) {
        const ScnNamespace *ns = g_ptr_array_index(vif->namespaces, i);

        host_plan_attach(p, ns->partition, vif->name, ns->nsid);
    }
    if (vif->limits->iops || vif->limits->bandwidth_bytes_per_s) {
        host_plan_set_limits(p, vif->name, vif->limits);
    }
}

HostPlan *host_plan_new(const ScnCard *card)
{
    HostPlan *p = g_new0(HostPlan, 1);

    p->attachments = g_ptr_array_new_with_free_func(attachment_free);
    p->limits = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (unsigned i = 0; card && i < card->interfaces->len; i++) {
        add_interface(p, g_ptr_array_index(card->interfaces, i));
    }
    p->application = g_strdup(card ? card->application : "");
    return p;
}

void host_plan_free(HostPlan *p)
{
    if (p) {
        g_ptr_array_unref(p->attachments);
        g_hash_table_unref(p->limits);
        g_free(p->application);
        g_free(p);
    }
}

void host_plan_assign(HostPlan *to, const HostPlan *from)
{
    GHashTableIter iter;
    void *interface, *limits;

    g_ptr_array_set_size(to->attachments, 0);
    for (unsigned i = 0; i < from->attachments->len; i++) {
        const HostAttachment *a = g_ptr_array_index(from->attachments, i);

        host_plan_attach(to, a->partition, a->interface, a->nsid);
    }
    g_hash_table_remove_all(to->limits);
    g_hash_table_iter_init(&iter, from->limits);
    while (g_hash_table_iter_next(&iter, &interface, &limits)) {
        host_plan_set_limits(to, interface, limits);
    }
    host_plan_set_application(to, from->application);
}

HostPlan *host_plan_copy(const HostPlan *from)
{
    HostPlan *p = host_plan_new(NULL);

    host_plan_assign(p, from);
    return p;
}

void host_plan_attach(HostPlan *p, const char *partition, const char *interface,
                      uint64_t nsid)
{
    HostAttachment *a = g_new0(HostAttachment, 1);

    a->partition = g_strdup(partition);
    a->interface = g_strdup(interface);
    a->nsid = nsid;
    g_ptr_array_add(p->attachments, a);
}

void host_plan_detach(HostPlan *p, const char *partition)
{
    for (unsigned i = p->attachments->len; i-- > 0;) {
        HostAttachment *a = g_ptr_array_index(p->attachments, i);

        if (strcmp(a->partition, partition) == 0) {
            g_ptr_array_remove_index(p->attachments, i);
        }
    }
}

void host_plan_set_limits(HostPlan *p, const char *interface,
                          const ScnLimits *limits)
{
    g_hash_table_insert(p->limits, g_strdup(interface), (void *)limits);
}

void host_plan_set_application(HostPlan *p, const char *application)
{
    g_free(p->application);
    p->application = g_strdup(application);
}
