/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * host_install.c: finds QEMU, the default guest and the card's applications.
 */
#include "host_args.h"

#include <string.h>

#include <json-glib/json-glib.h>

#include "runtime.h"

void host_install_free(HostInstall *i)
{
    if (i) {
        g_free(i->build);
        g_free(i->qemu);
        g_free(i->kernel);
        g_free(i->initrd);
        g_free(i->cmdline);
        g_free(i->cpu);
        g_free(i->kernel_release);
        g_free(i->guest_key);
        g_free(i);
    }
}

static char *build_folder(const char *root)
{
    const char *given = g_getenv("OUTRIGGER_BUILD");

    if (given && given[0]) {
        return g_canonicalize_filename(given, NULL);
    }
    return g_build_filename(root, "build", NULL);
}

static bool missing(const char *what, const char *path, GError **error)
{
    if (g_file_test(path, G_FILE_TEST_IS_REGULAR)) {
        return false;
    }
    g_set_error(error, RUNTIME_ERROR, RUNTIME_ERROR_PREREQUISITE,
                "%s is missing (%s): ./outrigger setup builds it", what, path);
    return true;
}

static char *manifest_text(JsonObject *o, const char *name)
{
    return g_strdup(json_object_get_string_member_with_default(o, name, ""));
}

static bool read_manifest(HostInstall *i, GError **error)
{
    g_autofree char *path =
        g_build_filename(i->build, "guest", "manifest.json", NULL);
    g_autoptr(JsonParser) parser = json_parser_new();
    g_autoptr(GError) local = NULL;
    JsonNode *root;
    JsonObject *o;

    if (missing("the default guest", path, error)) {
        return false;
    }
    if (!json_parser_load_from_file(parser, path, &local) ||
        !(root = json_parser_get_root(parser)) ||
        !JSON_NODE_HOLDS_OBJECT(root)) {
        g_set_error(error, RUNTIME_ERROR, RUNTIME_ERROR_PREREQUISITE,
                    "%s cannot be read: ./outrigger setup builds it anew",
                    path);
        return false;
    }
    o = json_node_get_object(root);
    i->cpu = manifest_text(o, "cpu");
    i->cmdline = manifest_text(o, "cmdline");
    i->kernel_release = manifest_text(o, "kernel");
    i->guest_key = manifest_text(o, "key");
    g_strstrip(i->cmdline);
    return true;
}

static bool find_guest(HostInstall *i, GError **error)
{
    i->kernel = g_build_filename(i->build, "guest", "vmlinux", NULL);
    i->initrd = g_build_filename(i->build, "guest", "initramfs.cpio", NULL);
    return !missing("the default guest's kernel", i->kernel, error) &&
           !missing("the default guest's image", i->initrd, error) &&
           read_manifest(i, error);
}

static bool needs_guest(const Scenario *scn)
{
    for (unsigned i = 0; i < scn->hosts->len; i++) {
        const ScnHost *h = g_ptr_array_index(scn->hosts, i);

        if (h->image) {
            return true;
        }
    }
    return false;
}

HostInstall *host_install_find(const char *root, const Scenario *scn,
                               GError **error)
{
    g_autoptr(HostInstall) i = g_new0(HostInstall, 1);
    bool need_guest = needs_guest(scn);

    i->build = build_folder(root);
    i->qemu = g_build_filename(i->build, "bin", "qemu-system-x86_64", NULL);
    if ((scn->hosts->len && missing("the QEMU fork", i->qemu, error)) ||
        (need_guest && !find_guest(i, error))) {
        return NULL;
    }
    if (!need_guest) {
        i->kernel_release = g_strdup("");
        i->guest_key = g_strdup("");
    }
    return g_steal_pointer(&i);
}

char *host_install_app(const HostInstall *i, const char *application)
{
    g_autofree char *name = NULL;

    if (g_path_is_absolute(application)) {
        return g_strdup(application);
    }
    name = g_strdup_printf("offload-app-%d.so",
                           strcmp(application, "update") == 0 ? 2 : 1);
    return g_build_filename(i->build, "meson", "hw", "offload", name, NULL);
}
