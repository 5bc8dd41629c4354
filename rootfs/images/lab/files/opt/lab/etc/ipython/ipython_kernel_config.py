"""Read by every IPython kernel before it answers."""

# When the container reaches its memory limit the kernel's OOM killer takes the process with the highest
# score: let that be the notebook's kernel, so that the Jupyter server lives and can say so.
try:
    with open("/proc/self/oom_score_adj", "w", encoding="ascii") as _score:
        _score.write("500")
except OSError:
    pass  # no /proc, or a score that only root may set: the kernel works without
