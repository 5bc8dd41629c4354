# lab.sh - the image's PATH for login shells, which JupyterLab's terminals are: /etc/profile has just put Debian's own
# in its place. The same as in settings.json.
# shellcheck shell=sh
PATH=/opt/lab/bin:/usr/local/bin:/usr/bin:/usr/sbin:/home/jovyan/.local/bin
export PATH
