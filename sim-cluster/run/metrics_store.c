/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * metrics_store.c: name -> value, unit, instant.
 */
#include "metrics_store.h"

struct MetricsStore {
    GPtrArray *list;     /* Metric, in order of first setting */
    GHashTable *by_name; /* name -> Metric, borrowed from list */
    MetricsObserver observer;
    void *opaque;
};

static void metric_free(void *opaque)
{
    Metric *m = opaque;

    g_free((char *)m->name);
    g_free(m->value.text);
    g_free(m);
}

MetricsStore *metrics_store_new(MetricsObserver observer, void *opaque)
{
    MetricsStore *m = g_new0(MetricsStore, 1);

    m->list = g_ptr_array_new_with_free_func(metric_free);
    m->by_name = g_hash_table_new(g_str_hash, g_str_equal);
    m->observer = observer;
    m->opaque = opaque;
    return m;
}

void metrics_store_free(MetricsStore *m)
{
    if (m) {
        g_hash_table_unref(m->by_name);
        g_ptr_array_unref(m->list);
        g_free(m);
    }
}

static void store(MetricsStore *m, uint64_t at_ps, const char *owner,
                  const char *name, ScnValue value)
{
    g_autofree char *full = g_strconcat(owner, ".", name, NULL);
    Metric *metric = g_hash_table_lookup(m->by_name, full);

    if (!metric) {
        metric = g_new0(Metric, 1);
        metric->name = g_steal_pointer(&full);
        g_ptr_array_add(m->list, metric);
        g_hash_table_insert(m->by_name, (char *)metric->name, metric);
    }
    g_free(metric->value.text);
    metric->value = value;
    metric->at_ps = at_ps;
    if (m->observer) {
        m->observer(m->opaque, metric);
    }
}

void metrics_store_set(MetricsStore *m, uint64_t at_ps, const char *owner,
                       const char *name, Unit unit, int64_t value)
{
    store(m, at_ps, owner, name, (ScnValue){ .unit = unit, .number = value });
}

void metrics_store_set_u64(MetricsStore *m, uint64_t at_ps, const char *owner,
                           const char *name, Unit unit, uint64_t value)
{
    if (value <= G_MAXINT64) {
        metrics_store_set(m, at_ps, owner, name, unit, (int64_t)value);
    }
}

void metrics_store_set_text(MetricsStore *m, uint64_t at_ps, const char *owner,
                            const char *name, const char *text)
{
    store(m, at_ps, owner, name,
          (ScnValue){ .unit = UNIT_TEXT, .text = g_strdup(text) });
}

const Metric *metrics_store_get(const MetricsStore *m, const char *name)
{
    return g_hash_table_lookup(m->by_name, name);
}

unsigned metrics_store_count(const MetricsStore *m)
{
    return m->list->len;
}

const Metric *metrics_store_at(const MetricsStore *m, unsigned index)
{
    return g_ptr_array_index(m->list, index);
}

char *metric_value_text(const ScnValue *value)
{
    switch (value->unit) {
    case UNIT_TEXT:
        return g_strdup(value->text);
    case UNIT_BOOL:
        return g_strdup(value->number ? "true" : "false");
    default:
        return g_strdup_printf("%" G_GINT64_FORMAT, value->number);
    }
}
