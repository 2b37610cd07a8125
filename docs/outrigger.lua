-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- outrigger.lua: shows captures of links in Wireshark and tshark: the header
-- around a guest's frame (version 1 in hw/offload/underlay.h, version 2 in
-- hw/offload/underlay_path.h), reliable datagrams (hw/offload/rdt.h) and the
-- packets that say what was done to a link (docs/captures.md).
--
--     tshark -X lua_script:docs/outrigger.lua -r FILE
--
-- Not here: whether a tag is right and what is encrypted, since that takes
-- the keys.

local UDP_PORT = 6088
local HEADER_BYTES = { [1] = 20, [2] = 56 }
local NO_DELAY = 0xffffffff
local EVENT_ETHERTYPE = 0x88b5

local underlay = Proto("outrigger", "Outrigger underlay")
local f = {
    version = ProtoField.uint8("outrigger.version", "Version", base.DEC, nil,
                               0xf0),
    words = ProtoField.uint8("outrigger.words", "Header length in words",
                             base.DEC, nil, 0x0f),
    echo = ProtoField.bool("outrigger.echo", "Congestion echo", 8, nil, 0x01),
    vni = ProtoField.uint32("outrigger.vni", "Virtual network", base.DEC, nil,
                            0x00ffffff),
    seq = ProtoField.uint32("outrigger.seq", "Sequence number"),
    seen = ProtoField.uint32("outrigger.echo.seen", "Packets received"),
    marked = ProtoField.uint32("outrigger.echo.marked", "of them marked"),
    alone = ProtoField.bool("outrigger.alone", "No guest frame", 8, nil, 0x02),
    value = ProtoField.uint8("outrigger.value", "Value of the source port"),
    epoch = ProtoField.uint32("outrigger.epoch", "Epoch"),
    bytes = ProtoField.uint32("outrigger.bytes", "Bytes sent with the value"),
    departed = ProtoField.uint32("outrigger.departed", "Departure (ns)"),
    echo_value = ProtoField.uint8("outrigger.echo.value", "Echo of value"),
    echo_number = ProtoField.uint32("outrigger.echo.number", "Number of echo"),
    echo_bytes = ProtoField.uint32("outrigger.echo.bytes", "Bytes received"),
    echo_lost = ProtoField.uint32("outrigger.echo.lost", "Bytes of gaps"),
    echo_delay = ProtoField.uint32("outrigger.echo.delay",
                                   "One-way delay (ns)"),
    tag = ProtoField.bytes("outrigger.tag", "Tag"),
}
underlay.fields = { f.version, f.words, f.echo, f.vni, f.seq, f.seen,
                    f.marked, f.alone, f.value, f.epoch, f.bytes, f.departed,
                    f.echo_value, f.echo_number, f.echo_bytes, f.echo_lost,
                    f.echo_delay, f.tag }
local malformed = ProtoExpert.new("outrigger.malformed", "Malformed header",
                                  expert.group.MALFORMED,
                                  expert.severity.ERROR)
underlay.experts = { malformed }
local ethernet = Dissector.get("eth_withoutfcs")

-- The version, or nothing when the header is not well formed.
local function version_of(buffer)
    if buffer:len() < HEADER_BYTES[1] or buffer(4, 1):uint() ~= 0 then
        return nil
    end
    local first, flags = buffer(0, 1):uint(), buffer(1, 1):uint()
    if first == 0x15 and bit.band(flags, 0xfe) == 0
        and buffer(2, 2):uint() == 0 then
        return 1
    end
    if first == 0x2e and bit.band(flags, 0xfc) == 0
        and buffer:len() >= HEADER_BYTES[2] then
        return 2
    end
    return nil
end

local function version_1(t, buffer)
    t:add(f.seq, buffer(8, 4))
    if bit.band(buffer(1, 1):uint(), 1) ~= 0 then
        t:add(f.seen, buffer(12, 4))
        t:add(f.marked, buffer(16, 4))
    end
end

local function version_2(t, buffer)
    t:add(f.alone, buffer(1, 1))
    t:add(f.value, buffer(2, 1))
    t:add(f.epoch, buffer(8, 4))
    t:add(f.seq, buffer(12, 4))
    t:add(f.bytes, buffer(16, 4))
    t:add(f.departed, buffer(20, 4))
    if bit.band(buffer(1, 1):uint(), 1) ~= 0 then
        t:add(f.echo_value, buffer(3, 1))
        t:add(f.echo_number, buffer(24, 4))
        t:add(f.seen, buffer(28, 4))
        t:add(f.marked, buffer(32, 4))
        t:add(f.echo_bytes, buffer(36, 4))
        t:add(f.echo_lost, buffer(40, 4))
        if buffer(44, 4):uint() ~= NO_DELAY then
            t:add(f.echo_delay, buffer(44, 4))
        end
    end
    t:add(f.tag, buffer(48, 8))
end

function underlay.dissector(buffer, packet, tree)
    packet.cols.protocol = "Outrigger"
    local version = version_of(buffer)
    if not version then
        tree:add(underlay, buffer()):add_proto_expert_info(malformed)
        return buffer:len()
    end
    local header_bytes = HEADER_BYTES[version]
    local t = tree:add(underlay, buffer(0, header_bytes))
    t:add(f.version, buffer(0, 1))
    t:add(f.words, buffer(0, 1))
    t:add(f.echo, buffer(1, 1))
    t:add(f.vni, buffer(4, 4))
    if version == 1 then
        version_1(t, buffer)
    else
        version_2(t, buffer)
    end
    t:append_text(", network " .. buffer(4, 4):uint())
    if buffer:len() > header_bytes then
        ethernet:call(buffer(header_bytes):tvb(), packet, tree)
    else
        packet.cols.info = "Path feedback"
    end
    return buffer:len()
end

DissectorTable.get("udp.port"):add(UDP_PORT, underlay)

local RDT_UDP_PORT = 6089
local RDT_HEADER_BYTES = 24
local RDT_TAG_BYTES = 16
local RDT_KINDS = { "Data", "Acknowledgement", "Probe", "Close" }

local rdt = Proto("outrigger_rdt", "Outrigger reliable datagram")
local r = {
    version = ProtoField.uint8("outrigger_rdt.version", "Version", base.DEC,
                               nil, 0xf0),
    words = ProtoField.uint8("outrigger_rdt.words", "Header length in words",
                             base.DEC, nil, 0x0f),
    kind = ProtoField.uint8("outrigger_rdt.kind", "Kind", base.DEC, RDT_KINDS),
    epoch = ProtoField.uint16("outrigger_rdt.epoch", "Epoch of the key"),
    to = ProtoField.uint32("outrigger_rdt.to", "Receiver's session", base.HEX),
    from = ProtoField.uint32("outrigger_rdt.from", "Sender's session",
                             base.HEX),
    key = ProtoField.uint32("outrigger_rdt.key", "Key id"),
    incarnation = ProtoField.uint16("outrigger_rdt.incarnation", "Incarnation",
                                    base.DEC, nil, 0x7fff),
    counter = ProtoField.uint64("outrigger_rdt.counter", "Packet counter"),
    sealed = ProtoField.bytes("outrigger_rdt.sealed", "Encrypted"),
    tag = ProtoField.bytes("outrigger_rdt.tag", "Tag"),
}
rdt.fields = { r.version, r.words, r.kind, r.epoch, r.to, r.from, r.key,
               r.incarnation, r.counter, r.sealed, r.tag }
local rdt_malformed = ProtoExpert.new("outrigger_rdt.malformed",
                                      "Malformed header",
                                      expert.group.MALFORMED,
                                      expert.severity.ERROR)
rdt.experts = { rdt_malformed }

-- Numbers of acknowledgements, and of nothing else, have the top bit set.
local function rdt_well_formed(buffer)
    if buffer:len() < RDT_HEADER_BYTES + RDT_TAG_BYTES
        or buffer(0, 1):uint() ~= 0x16 then
        return false
    end
    local kind = buffer(1, 1):uint()
    local space = bit.band(buffer(16, 1):uint(), 0x80) ~= 0
    return RDT_KINDS[kind] ~= nil and space == (kind == 2)
end

function rdt.dissector(buffer, packet, tree)
    packet.cols.protocol = "Outrigger RDT"
    if not rdt_well_formed(buffer) then
        tree:add(rdt, buffer()):add_proto_expert_info(rdt_malformed)
        return buffer:len()
    end
    local t = tree:add(rdt, buffer())
    local body = buffer:len() - RDT_HEADER_BYTES - RDT_TAG_BYTES
    local kind = RDT_KINDS[buffer(1, 1):uint()]
    t:add(r.version, buffer(0, 1))
    t:add(r.words, buffer(0, 1))
    t:add(r.kind, buffer(1, 1))
    t:add(r.epoch, buffer(2, 2))
    t:add(r.to, buffer(4, 4))
    t:add(r.from, buffer(8, 4))
    t:add(r.key, buffer(12, 4))
    t:add(r.incarnation, buffer(16, 2))
    t:add(r.counter, buffer(18, 6), buffer(18, 6):uint64())
    if body > 0 then
        t:add(r.sealed, buffer(RDT_HEADER_BYTES, body))
    end
    t:add(r.tag, buffer(RDT_HEADER_BYTES + body, RDT_TAG_BYTES))
    packet.cols.info = string.format("%s, session %08x to %08x, %d bytes",
                                     kind, buffer(8, 4):uint(),
                                     buffer(4, 4):uint(), body)
    return buffer:len()
end

DissectorTable.get("udp.port"):add(RDT_UDP_PORT, rdt)

local event = Proto("outrigger_event", "Outrigger event")
local text = ProtoField.string("outrigger_event.text", "What was done")
event.fields = { text }

function event.dissector(buffer, packet, tree)
    packet.cols.protocol = "Event"
    packet.cols.info = buffer():string()
    tree:add(event, buffer()):add(text, buffer())
    return buffer:len()
end

DissectorTable.get("ethertype"):add(EVENT_ETHERTYPE, event)
