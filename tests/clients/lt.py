"""libtorrent-rasterbar as a client, told what to do by one JSON object on the command line:

torrent, dir   the .torrent file; the directory that holds, or takes, the data under its name
ip, port       where to listen, and the address to connect from
third          0, 1 or 2: have and want only every third piece, counted from this one; absent: all
upload_limit   bytes a second; absent: no limit
connections    the most at once; absent: as many as it allows by itself

Prints, line by line: "checked N of M", "announced", "complete", "banned IP", "hash failed PIECE", "error ...",
and, asked to end by SIGTERM, "uploaded N downloaded N failed N", all in bytes of payload.

TCP only, unencrypted.
"""

import json
import signal
import sys

import libtorrent as lt

job = json.loads(sys.argv[1])
stop = False


def on_signal(*_):
    global stop
    stop = True


signal.signal(signal.SIGTERM, on_signal)
category = lt.alert.category_t
session = lt.session({
    "listen_interfaces": f"{job['ip']}:{job['port']}",
    "outgoing_interfaces": job["ip"],
    "enable_dht": False, "enable_lsd": False, "enable_upnp": False, "enable_natpmp": False,
    "enable_outgoing_utp": False, "enable_incoming_utp": False,
    "out_enc_policy": 2, "in_enc_policy": 2,
    "allow_multiple_connections_per_ip": True,
    "unchoke_slots_limit": -1,
    # It leaves a peer that becomes a seed by the one piece it does not have itself, before it notices that it wants it.
    "min_reconnect_time": 1,
    "alert_mask": category.status_notification | category.error_notification | category.tracker_notification
    | category.ip_block_notification,
})
if "connections" in job:
    session.apply_settings({"connections_limit": job["connections"]})
info = lt.torrent_info(job["torrent"])
params = lt.add_torrent_params()
params.ti = info
params.save_path = job["dir"]
params.flags &= ~(lt.torrent_flags.auto_managed | lt.torrent_flags.paused)
if "third" in job:
    params.piece_priorities = [4 if p % 3 == job["third"] else 0 for p in range(info.num_pieces())]
if "upload_limit" in job:
    params.upload_limit = job["upload_limit"]
handle = session.add_torrent(params)

complete = False
while not stop:
    session.wait_for_alert(100)
    for alert in session.pop_alerts():
        kind = type(alert).__name__
        status = handle.status()
        if kind == "torrent_checked_alert":
            print(f"checked {status.num_pieces} of {info.num_pieces()}", flush=True)
        elif kind == "tracker_reply_alert":
            print("announced", flush=True)
        elif kind == "hash_failed_alert":
            print(f"hash failed {alert.piece_index}", flush=True)
        elif kind == "peer_ban_alert":
            print(f"banned {alert.ip[0]}", flush=True)
        elif "error" in kind or "failed" in kind:
            print(f"error {kind} {alert.message()}", flush=True)
        if not complete and status.is_seeding:
            complete = True
            print("complete", flush=True)

status = handle.status()
print(f"uploaded {status.total_payload_upload} downloaded {status.total_payload_download}"
      f" failed {status.total_failed_bytes}", flush=True)
