/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * blocks.h: the modules of the switch's cycle reference (switch_model.h).
 */
#ifndef OUTRIGGER_MODELS_SWITCH_BLOCKS_H
#define OUTRIGGER_MODELS_SWITCH_BLOCKS_H

#include "switch_model.h"

#include <deque>
#include <map>
#include <systemc>

namespace ref {

/* A packet on its way, with where it came in. */
struct Item {
    Packet pkt;
    unsigned in_port;
    uint64_t at_ps; /* when its present stage ends */
};

/* A packet in the memory. */
struct Stored {
    Packet pkt;
    uint32_t cells;
    unsigned queue;
};

class Switch;

/* One SC_METHOD, one event; instants are the switch's own. */
class Block : public sc_core::sc_module {
  public:
    SC_HAS_PROCESS(Block);
    Block(sc_core::sc_module_name name, Switch *sw);

  protected:
    virtual void act() = 0;
    void wake_at(uint64_t ps);
    void wake_next_delta();
    void sleep();
    uint64_t now_ps() const;

    Switch &sw_;
    sc_core::sc_event event_;
};

/* Ingress SerDes and MAC of a port: store and forward, drops while there is
 * no lock. */
class MacRx : public Block {
  public:
    MacRx(const char *name, Switch *sw, unsigned port);
    void expect(uint64_t ps, const Packet &pkt);

    bool locked = true;
    bool forwards_l2 = true;

  protected:
    void act() override;

  private:
    unsigned port_;
    std::deque<Item> arriving_;
};

/* A conveyor: what enters leaves after a fixed time. */
class Stage : public Block {
  public:
    Stage(const char *name, Switch *sw, uint64_t latency_ps);
    void enter(Item item);
    void flush();

  protected:
    void act() override;
    virtual void leave(const Item &item) = 0;

  private:
    uint64_t latency_ps_;
    std::deque<Item> items_;
};

class Parser : public Stage {
  public:
    using Stage::Stage;

  protected:
    void leave(const Item &item) override;
};

class Lookup : public Stage {
  public:
    using Stage::Stage;

  protected:
    void leave(const Item &item) override;
};

/* Forwarding tables: consulted and taught at admission. */
class Tables {
  public:
    explicit Tables(const Config &config);
    void learn(uint64_t mac, unsigned port, uint64_t now_ps);
    /* Port of a MAC address, or -1. */
    int find_mac(uint64_t mac, uint64_t now_ps) const;
    /* Next hops of an address; nullptr: no route. */
    const std::vector<unsigned> *find_route(uint32_t ipv4) const;
    void add_static(uint64_t mac, unsigned port);
    void forget_port(unsigned port);
    void forget_all();

    std::map<unsigned, std::vector<unsigned>> groups;
    std::vector<Route> routes;
    uint32_t ecmp_seed;

  private:
    struct Learned {
        unsigned port;
        uint64_t seen_ps;
    };
    bool alive(const Learned &entry, uint64_t now_ps) const;
    size_t known_count() const;

    const Config &config_;
    std::map<uint64_t, Learned> learned_;
    std::map<uint64_t, unsigned> statics_;
};

/* Buffer, queues, thresholds and marking. */
class SharedMemory : public Block {
  public:
    SharedMemory(const char *name, Switch *sw);
    void deliver(const Item &item);
    /* Cells of a packet that has left, and its port wants the next. */
    void release(unsigned port, const Stored &stored);
    /* Cells of a packet that was lost. */
    void take_back(unsigned port, const Stored &stored);
    void drop_port(unsigned port);
    void flush();

    std::deque<Stored> &queue(unsigned port, unsigned q);
    uint32_t used_cells = 0;

  protected:
    void act() override;

  private:
    void poke();
    void forward(const Item &item);
    void forward_l2(const Item &item);
    void admit(const Item &item, unsigned port);
    bool marked(const Queue &rule, uint32_t cells);

    static constexpr unsigned kSettleDeltas = 4;
    unsigned settling_ = 0;
    std::vector<Item> due_;
    std::vector<unsigned> touched_; /* ports that may choose */
    std::vector<std::vector<std::deque<Stored>>> queues_;
    std::vector<std::vector<uint32_t>> cells_; /* sent ones too */
    uint64_t random_state_;
};

/* Chooses a port's next packet: strict queues, then deficit round robin. */
class Scheduler : public Block {
  public:
    Scheduler(const char *name, Switch *sw, unsigned port);
    void look();
    void reset();

  protected:
    void act() override;

  private:
    int choose();
    void pass_turn();

    unsigned port_;
    std::vector<uint64_t> deficit_;
    unsigned turn_ = 0;
    bool granted_ = false; /* the queue at turn_ has its quantum */
};

/* Egress MAC and SerDes of a port. */
class MacTx : public Block {
  public:
    MacTx(const char *name, Switch *sw, unsigned port);
    void send(const Stored &stored);
    /* The packet on the wire is lost. False: there was none. */
    bool abort(Stored *lost);

    bool busy = false;
    bool up = true;
    uint64_t rate_bps = 100000000000ull;

  protected:
    void act() override;

  private:
    unsigned port_;
    uint64_t end_ps_ = 0;
    Stored sending_{};
};

/* All of it. */
class Switch {
  public:
    Switch(const char *name, const Config &config, Listener *listener);
    void begin();
    void run(uint64_t until_ps);
    void set_up(bool up);
    void set_port_up(unsigned port, bool up);
    void lose(unsigned port, const Packet &pkt, Drop why);

    Config config;
    Listener *listener;
    bool is_up = true;
    uint64_t base_ps = 0;   /* SystemC's clock at this switch's zero */
    uint64_t stands_ps = 0; /* end of the last run */
    bool standing = true;   /* between runs: the instant is stands_ps */
    Tables tables;
    Parser parser;
    Lookup lookup;
    SharedMemory memory;
    std::vector<std::unique_ptr<MacRx>> rx;
    std::vector<std::unique_ptr<Scheduler>> scheduler;
    std::vector<std::unique_ptr<MacTx>> tx;

  private:
    bool begun_ = false;
};

uint64_t splitmix64(uint64_t *state);

} /* namespace ref */

#endif
