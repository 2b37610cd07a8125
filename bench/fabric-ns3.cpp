/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * fabric-ns3.cpp: the peer of `outrigger bench fabric`: ns-3 on the fat tree
 * and load of sim-cluster/bench/bench_fabric_load.c.
 *
 *     outrigger-bench-fabric-ns3 K SIM_US [SEED]
 *
 * Tuned for speed: no IP stack, a switch's receive callback picks the next
 * device by a hash of the flow from 8 bytes at the front of the packet; drop-
 * tail queues of 200 packets; the priority queue scheduler, which is a little
 * faster here than calendar and map, and twice as fast as heap; no tracing, no
 * marking.
 * So it does less than our side: no shared buffer, no ECN, no statistics.
 */
#include <ns3/core-module.h>
#include <ns3/network-module.h>
#include <ns3/point-to-point-module.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <random>
#include <utility>
#include <vector>

using namespace ns3;

namespace {

constexpr uint32_t WIRE_BYTES = 1524; /* with preamble, FCS and gap */
constexpr uint32_t PPP_BYTES = 2;     /* which the device adds */
constexpr uint16_t PROTOCOL = 0x0800; /* any that the device knows */

struct Front { /* of each packet */
    uint32_t to, hash;
};

struct Switch {
    std::vector<Ptr<PointToPointNetDevice>> device; /* by port */
    uint32_t level, pod, index, seed;
};

uint32_t k, half, hosts;
uint64_t hops, received;
std::vector<Switch> switches;
std::vector<Ptr<PointToPointNetDevice>> host_device;
std::vector<Front> host_front;
Address broadcast; /* the same for all; making one takes time */
Time gap, end;

uint32_t mix(uint32_t h)
{
    h ^= h >> 16;
    h *= 0x7feb352dU;
    h ^= h >> 15;
    h *= 0x846ca68bU;
    h ^= h >> 16;
    return h;
}

uint32_t next_port(const Switch &s, const Front &front)
{
    uint32_t pod = front.to / (half * half), edge = front.to / half % half;

    if (s.level == 2) {
        return pod;
    }
    if (s.level == 1 && s.pod == pod) {
        return edge;
    }
    if (s.level == 0 && s.pod == pod && s.index == edge) {
        return front.to % half;
    }
    return half + mix(front.hash ^ s.seed) % half;
}

bool at_switch(uint32_t number, Ptr<NetDevice>, Ptr<const Packet> packet,
               uint16_t, const Address &)
{
    const Switch &s = switches[number];
    Front front;

    hops++;
    packet->CopyData(reinterpret_cast<uint8_t *>(&front), sizeof(front));
    const auto &out = s.device[next_port(s, front)];
    out->Send(packet->Copy(), broadcast, PROTOCOL);
    return true;
}

bool at_host(Ptr<NetDevice>, Ptr<const Packet>, uint16_t, const Address &)
{
    hops++;
    received++;
    return true;
}

void send(uint32_t host)
{
    const Front &front = host_front[host];
    Ptr<Packet> packet = Create<Packet>(
        reinterpret_cast<const uint8_t *>(&front), sizeof(front));

    packet->AddPaddingAtEnd(WIRE_BYTES - PPP_BYTES - sizeof(front));
    host_device[host]->Send(packet, broadcast, PROTOCOL);
    if (Simulator::Now() + gap < end) {
        Simulator::Schedule(gap, &send, host);
    }
}

Ptr<PointToPointNetDevice> device_new(Ptr<Node> node)
{
    auto device = CreateObject<PointToPointNetDevice>();
    auto queue = CreateObject<DropTailQueue<Packet>>();

    queue->SetMaxSize(QueueSize("200p"));
    device->SetQueue(queue);
    device->SetDataRate(DataRate("100Gbps"));
    device->SetMtu(9600);
    device->SetAddress(Mac48Address::Allocate());
    node->AddDevice(device);
    return device;
}

/* Both ends; the caller sets what they do with what arrives. */
std::pair<Ptr<PointToPointNetDevice>, Ptr<PointToPointNetDevice>>
link_new(Ptr<Node> a, Ptr<Node> b)
{
    auto channel = CreateObject<PointToPointChannel>();
    auto x = device_new(a), y = device_new(b);

    channel->SetAttribute("Delay", TimeValue(NanoSeconds(500)));
    x->Attach(channel);
    y->Attach(channel);
    return { x, y };
}

void switch_port(uint32_t number, uint32_t port,
                 const Ptr<PointToPointNetDevice> &device)
{
    switches[number].device[port] = device;
    device->SetReceiveCallback(MakeBoundCallback(&at_switch, number));
}

void build(NodeContainer &nodes, NodeContainer &host_nodes)
{
    uint32_t edges = k * half, cores = half * half;

    switches.resize(2 * edges + cores);
    for (uint32_t i = 0; i < switches.size(); i++) {
        Switch &s = switches[i];

        s.level = i < edges ? 0 : i < 2 * edges ? 1 : 2;
        s.pod = i % edges / half;
        s.index = i % edges % half;
        s.seed = mix(i + 77);
        s.device.resize(k);
    }
    nodes.Create(switches.size());
    host_nodes.Create(hosts);
    for (uint32_t h = 0; h < hosts; h++) {
        auto ends = link_new(host_nodes.Get(h), nodes.Get(h / half));

        host_device.push_back(ends.first);
        ends.first->SetReceiveCallback(MakeCallback(&at_host));
        switch_port(h / half, h % half, ends.second);
    }
    for (uint32_t i = 0; i < edges * half; i++) {
        uint32_t sw = i / half, up = i % half, pod = sw / half;
        uint32_t agg = edges + pod * half + up;
        uint32_t core = 2 * edges + sw % half * half + up;
        auto low = link_new(nodes.Get(sw), nodes.Get(agg));
        auto high = link_new(nodes.Get(edges + sw), nodes.Get(core));

        switch_port(sw, half + up, low.first);
        switch_port(agg, sw % half, low.second);
        switch_port(edges + sw, half + up, high.first);
        switch_port(core, pod, high.second);
    }
}

/* A permutation in one cycle, and a phase each: nobody sends to itself. */
void start(uint32_t seed)
{
    std::mt19937 random(seed);
    std::vector<uint32_t> to(hosts);

    for (uint32_t i = 0; i < hosts; i++) {
        to[i] = i;
    }
    for (uint32_t i = hosts - 1; i > 0; i--) {
        std::swap(to[i], to[random() % i]);
    }
    for (uint32_t i = 0; i < hosts; i++) {
        host_front.push_back({ to[i], static_cast<uint32_t>(random()) });
        Simulator::Schedule(PicoSeconds(random() % gap.GetPicoSeconds()), &send,
                            i);
    }
}

double cpu_s()
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) +
           static_cast<double>(t.tv_nsec) * 1e-9;
}

} // namespace

int main(int argc, char **argv)
{
    NodeContainer nodes, host_nodes;
    ObjectFactory scheduler("ns3::PriorityQueueScheduler");

    if (argc < 3 || std::atoi(argv[1]) < 2 || std::atoi(argv[2]) < 1) {
        std::fprintf(stderr, "usage: %s K SIM_US [SEED]\n", argv[0]);
        return 2;
    }
    Time::SetResolution(Time::PS);
    k = static_cast<uint32_t>(std::atoi(argv[1]));
    half = k / 2;
    hosts = k * half * half;
    end = MicroSeconds(static_cast<uint64_t>(std::atoi(argv[2])));
    gap = PicoSeconds(uint64_t{ 2 } * WIRE_BYTES * 80); /* 50 % of 100 Gbit/s */
    Simulator::SetScheduler(scheduler);
    broadcast = Mac48Address::GetBroadcast();
    build(nodes, host_nodes);
    start(argc > 3 ? static_cast<uint32_t>(std::atoi(argv[3])) : 1);

    double begin = cpu_s();

    Simulator::Run();

    double used = cpu_s() - begin;

    std::printf("hops %llu\nreceived %llu\ncpu_s %.6f\n"
                "mhops_per_cpu_s %.6f\n",
                static_cast<unsigned long long>(hops),
                static_cast<unsigned long long>(received), used,
                static_cast<double>(hops) / used / 1e6);
    Simulator::Destroy();
    return 0;
}
