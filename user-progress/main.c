/* The daemon user-progress: its endpoint table (api.c) on the common library. */
#include "common/serve/daemon.h"
#include "user-progress/api.h"

int main(int argc, char **argv)
{
    return daemon_main(&user_progress_api, argc, argv);
}
