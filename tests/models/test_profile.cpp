/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_profile.cpp: a bad profile is one line with file, key and remedy; a
 * shipped one names the source of each constant.
 */
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <sstream>
#include <unistd.h>

#include "workload.h"

#include <csetjmp>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
/* Its macros clash with the library's names: last. */
extern "C" {
#include <cmocka.h>
}

static std::string good_card, good_drive;

static CardModel *try_card(const std::string &card, const std::string &drive,
                           std::string *ret_err, std::string *ret_path)
{
    std::string card_path = temporary_profile(card);
    std::string drive_path = temporary_profile(drive);
    const char *drives[] = { drive_path.c_str() };
    char *err = nullptr;
    CardModel *m = card_model_new("profile", card_path.c_str(), drives, 1, 1,
                                  nullptr, nullptr, &err);

    assert_true((m == nullptr) == (err != nullptr));
    if (err) {
        *ret_err = err;
        free(err);
    }
    *ret_path = card == good_card ? drive_path : card_path;
    unlink(card_path.c_str());
    unlink(drive_path.c_str());
    return m;
}

/* @text with the line of @key replaced by @line (empty: removed). */
static std::string with(const std::string &text, const std::string &key,
                        const std::string &line)
{
    std::istringstream in(text);
    std::ostringstream out;
    std::string l;

    while (std::getline(in, l)) {
        if (l.rfind(key + "=", 0) != 0) {
            out << l << "\n";
        } else if (!line.empty()) {
            out << line << "\n";
        }
    }
    return out.str();
}

static void expect_bad(bool drive, const std::string &key,
                       const std::string &line, const std::string &remedy)
{
    std::string err, path;
    std::string card = drive ? good_card : with(good_card, key, line);
    std::string text = drive ? with(good_drive, key, line) : good_drive;

    if (try_card(card, text, &err, &path)) {
        fail_msg("accepted: %s", line.c_str());
    }
    bool one_line = err.find('\n') == std::string::npos;

    if (!one_line || err.rfind(path + ": ", 0) != 0 ||
        err.find(key) == std::string::npos ||
        err.find(remedy) == std::string::npos) {
        fail_msg("for %s: %s", line.c_str(), err.c_str());
    }
}

static void test_good(void **state)
{
    std::string err, path;
    CardModel *m = try_card(good_card, good_drive, &err, &path);

    assert_non_null(m);
    card_model_free(m);
}

static void test_bad_card(void **state)
{
    expect_bad(false, "format", "format=2", "give 1 to 1");
    expect_bad(false, "kind", "kind=drive", "kind=card");
    expect_bad(false, "name", "name=", "1 to 64 characters");
    expect_bad(false, "lanes", "", "add the key");
    expect_bad(false, "lanes", "lanes=3", "power of two");
    expect_bad(false, "lanes", "lanes=32", "give 1 to 16");
    expect_bad(false, "generation", "generation=6", "give 1 to 5");
    expect_bad(false, "max_payload_bytes", "max_payload_bytes=64",
               "give 128 to 4096");
    expect_bad(false, "completion_payload_bytes",
               "completion_payload_bytes=512", "max_payload_bytes");
    expect_bad(false, "host_read_ps", "host_read_ps=0", "give 1 to");
    expect_bad(false, "host_read_ps", "host_read_ps=-5", "no number");
    expect_bad(false, "host_read_ps", "host_read_ps=1.5", "no number");
    expect_bad(false, "host_read_ps", "host_read_ps=99999999999999999999",
               "no number");
    expect_bad(false, "posted_data_credits", "posted_data_credits=7",
               "0 for infinite");
    expect_bad(false, "completion_data_credits", "completion_data_credits=64",
               "give a number");
    expect_bad(false, "dllp_bytes", "dllp_bytes=64", "longer intervals");
    expect_bad(false, "read_tags", "read_tags=2000", "give 1 to 1024");
    expect_bad(false, "cores", "cores=17", "give 1 to 16");
    expect_bad(false, "tx_packet_ps", "tx_packet_ps=0", "give 1 to");
    expect_bad(false, "rx_latency_ps", "rx_latency_ps=0", "give 1 to");
    expect_bad(false, "tx_rate_bps", "tx_rate_bps=25000000001",
               "multiple of 1000000");
    expect_bad(false, "rate_bps", "rate_bps=25", "give 1000000 to");
    expect_bad(false, "rate_bps", "", "add the key");
}

static void test_bad_drive(void **state)
{
    expect_bad(true, "kind", "kind=card", "kind=drive");
    expect_bad(true, "page_bytes", "page_bytes=3000", "power of two");
    expect_bad(true, "page_program_ps", "page_program_ps=1;2;3;4",
               "as many values as page_read_ps");
    expect_bad(true, "page_read_ps", "page_read_ps=1;2;3;4;5", "at most 4");
    expect_bad(true, "page_read_ps", "page_read_ps=1;;2", "no number");
    expect_bad(true, "write_buffer_bytes", "write_buffer_bytes=4096",
               "page_bytes * planes");
    expect_bad(true, "write_buffer_bytes", "write_buffer_bytes=2147483648",
               "too large");
    expect_bad(true, "map_unit_bytes", "map_unit_bytes=65536",
               "at most page_bytes");
    expect_bad(true, "channels", "channels=33", "give 1 to 32");
}

static void test_unknown_keys(void **state)
{
    std::string err, path;

    assert_null(
        try_card(good_card + "\n[crypto]\nlanes=4\n", good_drive, &err, &path));
    assert_true(err.find("[crypto] lanes: unknown; remove") !=
                std::string::npos);
    assert_null(
        try_card(good_card + "\n[more]\nkey=4\n", good_drive, &err, &path));
    assert_true(err.find("[more] key: unknown; remove") != std::string::npos);
    assert_null(try_card("no key file\n", good_drive, &err, &path));
    assert_true(err.find('\n') == std::string::npos);
}

static void test_missing_file(void **state)
{
    char *err = nullptr;

    assert_null(card_model_new("none", "/nowhere/card.profile", nullptr, 0, 1,
                               nullptr, nullptr, &err));
    assert_non_null(strstr(err, "/nowhere/card.profile: "));
    free(err);
    err = nullptr;
    assert_null(card_model_new("many", "/nowhere/card.profile", nullptr,
                               MODEL_MAX_DRIVES + 1, 1, nullptr, nullptr,
                               &err));
    assert_non_null(strstr(err, "at most 8"));
    free(err);
}

static void test_hash(void **state)
{
    std::string err, path;
    CardModel *a = try_card(good_card, good_drive, &err, &path);
    CardModel *b =
        try_card(with(good_card, "name", "name=other") + "# a remark\n",
                 good_drive, &err, &path);
    CardModel *c =
        try_card(with(good_card, "host_read_ps", "host_read_ps=270001"),
                 good_drive, &err, &path);

    assert_true(card_model_profile_hash(a) == card_model_profile_hash(b));
    assert_true(card_model_profile_hash(a) != card_model_profile_hash(c));
    card_model_free(a);
    card_model_free(b);
    card_model_free(c);
}

/* Each constant stands below a comment with its source or that it is a
 * choice; keys may share a comment. */
static void check_sources(const std::string &path)
{
    std::istringstream in(read_text(path.c_str()));
    std::string line, comment;
    bool in_profile = true, after_key = true;

    while (std::getline(in, line)) {
        if (line.empty()) {
            comment = "";
        } else if (line[0] == '#') {
            comment = after_key ? line : comment;
            after_key = false;
        } else if (line[0] == '[') {
            in_profile = line == "[profile]";
            comment = "";
            after_key = true;
        } else {
            if (!in_profile && comment.rfind("# source: ", 0) != 0 &&
                comment.rfind("# choice: ", 0) != 0) {
                fail_msg("%s: no source above '%s'", path.c_str(),
                         line.c_str());
            }
            after_key = true;
        }
    }
}

static void test_shipped(void **state)
{
    DIR *dir = opendir(PROFILE_DIR);
    unsigned cards = 0, drives = 0;

    assert_non_null(dir);
    while (const dirent *entry = readdir(dir)) {
        std::string name = entry->d_name, err, unused;
        std::string path = std::string(PROFILE_DIR "/") + name;

        if (name.size() < 8 || name.substr(name.size() - 8) != ".profile") {
            continue;
        }
        bool card = name.rfind("card-", 0) == 0;
        std::string text = read_text(path.c_str());
        CardModel *m = card ? try_card(text, good_drive, &err, &unused)
                            : try_card(good_card, text, &err, &unused);

        if (!m) {
            fail_msg("%s", err.c_str());
        }
        card_model_free(m);
        check_sources(path);
        (card ? cards : drives)++;
    }
    closedir(dir);
    assert_true(cards >= 2);
    assert_true(drives >= 3);
}

int main()
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad_card),
        cmocka_unit_test(test_bad_drive),
        cmocka_unit_test(test_unknown_keys),
        cmocka_unit_test(test_missing_file),
        cmocka_unit_test(test_hash),
        cmocka_unit_test(test_shipped),
    };

    good_card = read_text(PROFILE_DIR "/card-gen3x8.profile");
    good_drive = read_text(PROFILE_DIR "/drive-tlc.profile");
    return cmocka_run_group_tests(tests, nullptr, nullptr) != 0;
}
