/* The daemon usage-analytics: its endpoint table (api.c) on the common library. */
#include "common/serve/daemon.h"
#include "usage-analytics/api.h"

int main(int argc, char **argv)
{
    return daemon_main(&usage_analytics_api, argc, argv);
}
