/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * validate.cpp: prints how far the models are from published numbers, as
 * Markdown tables or JSON, and judges them: each point within 5 %, at most
 * one in ten explained instead.
 *
 *     outrigger-models-validate [--json] PROFILE-DIRECTORY
 *
 * Exit status: 0 the bars hold, 1 they do not, 2 bad usage, 99 it failed.
 */
#include "validate.h"

#include <cinttypes>
#include <cstdio>
#include <cstring>

static const char *quantity_name(const Point &p)
{
    static const char *const names[] = {
        "DMA write, Mbit/s",
        "DMA read, Mbit/s",
        "read and write, Mbit/s",
        "IOPS",
        "mean, ns",
        "median, ns",
        "99 %, ns",
        "MB/s",
        "packets out, Mbit/s",
        "packets in, Mbit/s",
        "packets out and in, Mbit/s",
        "one way, ns",
    };

    return names[p.quantity];
}

/* Thousandths, rounded away from zero, so that no error is understated. */
static int64_t error_permille(const Point &p)
{
    int64_t difference =
        static_cast<int64_t>(p.modelled) - static_cast<int64_t>(p.published);
    int64_t published = static_cast<int64_t>(p.published);
    int64_t away = difference < 0 ? 1 - published : published - 1;

    return (difference * 1000 + away) / published;
}

static bool within(const Point &p)
{
    int64_t error = error_permille(p);

    return error >= -50 && error <= 50;
}

static std::string percent(int64_t permille)
{
    char text[32];

    snprintf(text, sizeof(text), "%s%" PRId64 ".%" PRId64 " %%",
             permille < 0 ? "-" : "+",
             (permille < 0 ? -permille : permille) / 10,
             (permille < 0 ? -permille : permille) % 10);
    return text;
}

static const char *judgement(const Point &p)
{
    if (within(p)) {
        return p.fitted ? "fitted" : "held";
    }
    return p.because ? p.because : "MISSED";
}

static void print_table(const Subject &subject)
{
    printf("### %s\n\n", subject.title);
    printf("| quantity | bytes | in flight | published | model | error | |\n");
    printf("|---|---|---|---|---|---|---|\n");
    for (const Point &p : subject.points) {
        printf("| %s | %" PRIu32 " | ", quantity_name(p), p.bytes);
        if (p.depth) {
            printf("%" PRIu32, p.depth);
        } else {
            printf("full");
        }
        printf(" | %" PRIu64 " | %" PRIu64 " | %s | %s |\n", p.published,
               p.modelled, percent(error_permille(p)).c_str(), judgement(p));
    }
    printf("\n");
}

static void print_json(const std::vector<Subject> &subjects)
{
    const char *separator = "";

    printf("[");
    for (const Subject &subject : subjects) {
        for (const Point &p : subject.points) {
            printf("%s\n {\"subject\": \"%s\", \"quantity\": \"%s\", "
                   "\"bytes\": %" PRIu32 ", \"depth\": %" PRIu32 ", "
                   "\"published\": %" PRIu64 ", \"model\": %" PRIu64 ", "
                   "\"error_permille\": %" PRId64 ", \"fitted\": %s, "
                   "\"held\": %s}",
                   separator, subject.name, quantity_name(p), p.bytes, p.depth,
                   p.published, p.modelled, error_permille(p),
                   p.fitted ? "true" : "false", within(p) ? "true" : "false");
            separator = ",";
        }
    }
    printf("\n]\n");
}

/* The bars, over the points that no constant was fitted to, and over all. */
static bool judge(const std::vector<Subject> &subjects)
{
    unsigned points = 0, held = 0, explained = 0, judged = 0, judged_held = 0;

    for (const Subject &subject : subjects) {
        for (const Point &p : subject.points) {
            points++;
            held += within(p);
            explained += !within(p) && p.because;
            judged += !p.fitted;
            judged_held += !p.fitted && within(p);
        }
    }
    fprintf(stderr,
            "%u points: %u within 5 %%, %u explained; of %u not fitted, %u "
            "within 5 %%\n",
            points, held, explained, judged, judged_held);
    return held + explained == points && explained * 10 <= points;
}

int main(int argc, char **argv)
{
    bool json = argc == 3 && strcmp(argv[1], "--json") == 0;
    std::vector<Subject> subjects = validate_subjects();
    std::string err;

    if (argc != 2 && !json) {
        fprintf(stderr, "usage: %s [--json] PROFILE-DIRECTORY\n", argv[0]);
        return 2;
    }
    if (!validate_run(argv[argc - 1], &subjects, &err)) {
        fprintf(stderr, "%s\n", err.c_str());
        return 99;
    }
    if (json) {
        print_json(subjects);
    } else {
        for (const Subject &subject : subjects) {
            print_table(subject);
        }
    }
    return judge(subjects) ? 0 : 1;
}
