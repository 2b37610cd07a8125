/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * xml_text.h: the one way by which foreign text gets into XML, HTML or SVG.
 *
 * Console output and guest strings hold escape sequences, NULs and broken
 * UTF-8. XML 1.0 forbids most control characters even as references, so
 * escaping alone is not enough.
 */
#ifndef OUTRIGGER_XML_TEXT_H
#define OUTRIGGER_XML_TEXT_H

#include <glib.h>

/*
 * Appends @text (NULL counts as empty; @len < 0: up to its NUL) so that the
 * result is well-formed in element content and in quoted attribute values:
 * <>&"' become references; tab, newline and carriage return stay; each other
 * control character, noncharacter or byte that is not UTF-8 becomes U+FFFD.
 * Terminal sequences (ESC [ ... letter) are dropped as a whole.
 */
void xml_text_append(GString *out, const char *text, gssize len);

/* The same as a new string, to be freed with g_free(). */
char *xml_text(const char *text);

#endif
