/* SPDX-License-Identifier: MIT */
/* Lists last week's cramps, then runs a command at each alert:  ./lamp 'mosquitto_pub -t lamp -m on'
 * Build:  cc lamp.c -o lamp $(pkg-config --cflags --libs crampd-client) */
#include <crampd-client.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static int episode_print(const struct crampd_episode *episode, void *userdata) {
        time_t onset = (time_t)(episode->onset_us / 1000000);
        char text[32];
        strftime(text, sizeof(text), "%F %R", localtime(&onset));
        return printf("%s %s %s, %s\n", text, episode->leg, episode->muscle, episode->severity);
}

static void event_handle(const struct crampd_event *event, void *command) {
        if (event->type != CRAMPD_ALERT_RAISED || event->repeated)
                return;
        for (size_t i = 0; event->relief && event->relief[i]; i++)
                puts(event->relief[i]);
        if (command && system(command) != 0)
                fprintf(stderr, "'%s' failed\n", (const char *)command);
}

int main(int argc, char *argv[]) {
        struct crampd_filter week = {.since_us = ((int64_t)time(NULL) - 7 * 86400) * 1000000,
                                     .until_us = CRAMPD_NO_TIME};
        struct crampd_error error = {.message = "the bus is gone"};
        crampd_client *client = NULL;
        setvbuf(stdout, NULL, _IOLBF, 0);
        if (crampd_client_new(&client, &error) >= 0 &&
            crampd_list_episodes(client, &week, episode_print, NULL, &error) >= 0 &&
            crampd_subscribe(client, event_handle, argc > 1 ? argv[1] : NULL, &error) >= 0)
                while (crampd_client_dispatch(client) == 0)
                        poll(&(struct pollfd){crampd_client_get_fd(client), POLLIN, 0}, 1, -1);
        fprintf(stderr, "crampd: %s\n", error.message);
        crampd_client_free(client);
        return EXIT_FAILURE;
}
