/* The daemon performance-reporting: its endpoint table (api.c) on the common library. */
#include "common/serve/daemon.h"
#include "performance-reporting/api.h"

int main(int argc, char **argv)
{
    return daemon_main(&performance_reporting_api, argc, argv);
}
