/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * xml_text.c: text made safe for XML 1.0 (section 2.2, production Char).
 */
#include "xml_text.h"

#include <string.h>

#define ESC 0x1b
#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

static gboolean is_xml_char(gunichar c)
{
    return c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c < 0x7f) ||
           (c >= 0xa0 && c <= 0xd7ff) || (c >= 0xe000 && c <= 0xfffd) ||
           (c >= 0x10000 && c <= 0x10ffff);
}

/* Length of the terminal sequence that starts at @p, 0 if there is none. */
static gsize control_sequence_len(const char *p, gsize left)
{
    gsize n = 2;

    if (left < 2 || p[0] != ESC || p[1] != '[') {
        return 0;
    }
    while (n < left && (guchar)p[n] >= 0x20 && (guchar)p[n] <= 0x3f) {
        n++;
    }
    return n < left && (guchar)p[n] >= 0x40 && (guchar)p[n] <= 0x7e ? n + 1 : 0;
}

static void append_char(GString *out, gunichar c)
{
    switch (c) {
    case '<':
        g_string_append(out, "&lt;");
        break;
    case '>':
        g_string_append(out, "&gt;");
        break;
    case '&':
        g_string_append(out, "&amp;");
        break;
    case '"':
        g_string_append(out, "&quot;");
        break;
    case '\'':
        g_string_append(out, "&#39;");
        break;
    default:
        if (is_xml_char(c)) {
            g_string_append_unichar(out, c);
        } else {
            g_string_append(out, REPLACEMENT);
        }
    }
}

void xml_text_append(GString *out, const char *text, gssize len)
{
    gsize left = text ? (len < 0 ? strlen(text) : (gsize)len) : 0;

    while (left > 0) {
        gsize skip = control_sequence_len(text, left);

        if (skip == 0) {
            gunichar c = g_utf8_get_char_validated(text, (gssize)left);

            if (*text == '\0' || c == (gunichar)-1 || c == (gunichar)-2) {
                g_string_append(out, REPLACEMENT);
                skip = 1;
            } else {
                append_char(out, c);
                skip = (gsize)(g_utf8_next_char(text) - text);
            }
        }
        text += skip;
        left -= skip;
    }
}

char *xml_text(const char *text)
{
    GString *out = g_string_new(NULL);

    xml_text_append(out, text, -1);
    return g_string_free(out, FALSE);
}
