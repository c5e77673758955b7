#!/usr/bin/env python3
"""Makes an image's archive the same for the same image: deploy/image_archive.py FROM TO

In what buildah writes about an image stand the id and the host name of the container that it built in, which are made up each time.
Without them an archive of the form that `docker load` and `podman load` read follows from what is in the image.
"""

import copy
import hashlib
import io
import json
import sys
import tarfile


def without_what_is_made_up(config):
    settled = copy.deepcopy(config)
    settled.pop("container", None)
    for part in (settled.get("config"), settled.get("container_config")):
        if part:
            part["Hostname"] = ""
    return settled


def as_bytes(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def main():
    source, target = sys.argv[1:]
    with tarfile.open(source) as old, tarfile.open(target, "w", format=tarfile.GNU_FORMAT) as new:
        manifest = json.load(old.extractfile("manifest.json"))
        for image in manifest:
            config = as_bytes(without_what_is_made_up(json.load(old.extractfile(image["Config"]))))
            image["Config"] = hashlib.sha256(config).hexdigest() + ".json"
            add(new, image["Config"], io.BytesIO(config), len(config))
        for layer in sorted({layer for image in manifest for layer in image["Layers"]}):
            add(new, layer, old.extractfile(layer), old.getmember(layer).size)
        manifest = as_bytes(manifest)
        add(new, "manifest.json", io.BytesIO(manifest), len(manifest))


def add(archive, name, content, size):
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = size, 0o444, 0
    archive.addfile(member, content)


if __name__ == "__main__":
    main()
