"""Downloads repositories, each given as id@revision, into the cache at HF_HOME.

Runs before a model's server, which then needs no network. A download that was cut off goes on where it stopped;
replicas that share the cache wait for each other's files by the locks of huggingface_hub. What is complete is noted
beside the cache and not asked for again.
"""

import fnmatch
import os
import pathlib
import shutil
import sys

from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

HOME = pathlib.Path(os.environ["HF_HOME"])
# Copies of the weights in formats that vLLM does not load.
IGNORED = ["original/*", "metal/*"]
# The server writes compiled kernels to the same volume.
HEADROOM_BYTES = 2 * 2**30
GIB = 2**30


def missing_bytes(repository, revision):
    """Bytes of the repository's files that are not on the volume yet."""
    info = HfApi().model_info(repository, revision=revision, files_metadata=True)
    blobs = HOME / "hub" / ("models--" + repository.replace("/", "--")) / "blobs"
    missing = 0
    for file in info.siblings:
        if any(fnmatch.fnmatch(file.rfilename, pattern) for pattern in IGNORED):
            continue
        blob = file.lfs.sha256 if file.lfs else file.blob_id
        parts = [part.stat().st_size for part in blobs.glob(blob + "*")] if blob and blobs.is_dir() else []
        missing += max(0, (file.size or 0) - max(parts, default=0))
    return missing


def check_space(repository, revision):
    missing = missing_bytes(repository, revision)
    free = shutil.disk_usage(HOME).free
    if missing > 0 and missing + HEADROOM_BYTES > free:
        sys.exit(
            f"{repository}@{revision} needs {missing / GIB:.1f} GiB more, and {HEADROOM_BYTES / GIB:.0f} GiB to spare, "
            f"but the model storage has {free / GIB:.1f} GiB free: raise storage.size, or delete weights that no model uses"
        )


def download(repository, revision):
    marker = HOME / "complete" / f"{repository.replace('/', '--')}@{revision.replace('/', '--')}"
    if marker.is_file() and pathlib.Path(marker.read_text()).is_dir():
        print(f"{repository}@{revision} is there", flush=True)
        return
    try:
        check_space(repository, revision)
        snapshot = snapshot_download(repository, revision=revision, ignore_patterns=IGNORED)
    except GatedRepoError:
        sys.exit(f"{repository} is gated: accept its licence on Hugging Face and set hfToken to a token of that account")
    except RepositoryNotFoundError:
        sys.exit(f"{repository} does not exist, or is private: correct the model's id, or set hfToken")
    marker.parent.mkdir(parents=True, exist_ok=True)
    draft = marker.with_name(f"{marker.name}.{os.uname().nodename}")
    draft.write_text(snapshot)
    draft.replace(marker)
    print(f"{repository}@{revision} is complete", flush=True)


HOME.mkdir(parents=True, exist_ok=True)
for argument in sys.argv[1:]:
    download(*argument.rsplit("@", 1))
