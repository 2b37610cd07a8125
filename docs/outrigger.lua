-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- outrigger.lua: shows captures of links in Wireshark and tshark: the header
-- around a guest's frame (hw/offload/underlay.h, version 1) and the packets
-- that say what was done to a link (docs/captures.md).
--
--     tshark -X lua_script:docs/outrigger.lua -r FILE
--
-- Not here: other versions of the header.

local UDP_PORT = 6088
local HEADER_BYTES = 20
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
}
underlay.fields = { f.version, f.words, f.echo, f.vni, f.seq, f.seen,
                    f.marked }
local malformed = ProtoExpert.new("outrigger.malformed", "Malformed header",
                                  expert.group.MALFORMED,
                                  expert.severity.ERROR)
underlay.experts = { malformed }
local ethernet = Dissector.get("eth_withoutfcs")

local function well_formed(buffer)
    return buffer:len() >= HEADER_BYTES and buffer(0, 1):uint() == 0x15
        and bit.band(buffer(1, 1):uint(), 0xfe) == 0
        and buffer(2, 2):uint() == 0 and buffer(4, 1):uint() == 0
end

function underlay.dissector(buffer, packet, tree)
    packet.cols.protocol = "Outrigger"
    if not well_formed(buffer) then
        tree:add(underlay, buffer()):add_proto_expert_info(malformed)
        return buffer:len()
    end
    local t = tree:add(underlay, buffer(0, HEADER_BYTES))
    t:add(f.version, buffer(0, 1))
    t:add(f.words, buffer(0, 1))
    t:add(f.echo, buffer(1, 1))
    t:add(f.vni, buffer(4, 4))
    t:add(f.seq, buffer(8, 4))
    if bit.band(buffer(1, 1):uint(), 1) ~= 0 then
        t:add(f.seen, buffer(12, 4))
        t:add(f.marked, buffer(16, 4))
    end
    t:append_text(", network " .. buffer(4, 4):uint())
    ethernet:call(buffer(HEADER_BYTES):tvb(), packet, tree)
    return buffer:len()
end

DissectorTable.get("udp.port"):add(UDP_PORT, underlay)

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
