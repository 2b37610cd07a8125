/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * link_error.c: errors of the link channel. Not modelled: nothing.
 */
#include "link_priv.h"

#include <stdarg.h>
#include <stdio.h>

bool link_fail(LinkError *err, LinkErrorCode code, const char *fmt, ...)
{
    va_list ap;

    if (err) {
        err->code = code;
        va_start(ap, fmt);
        vsnprintf(err->text, sizeof(err->text), fmt, ap);
        va_end(ap);
    }
    return false;
}

const LinkError *link_error(const Link *l)
{
    return l->error.code == LINK_OK ? NULL : &l->error;
}
