/** What `--alarm` takes, for help and complaints: apart from what opens them, which loads a mail client. */
export const ALARM_FORMS: string =
  'syslog+udp://HOST, syslog+tcp://HOST, syslog+tls://HOST?ca=FILE, cef+…://HOST, https://…?secret-file=FILE, smtp://USER@HOST?to=ADDRESS&password-file=FILE, file:///PATH?mib=64&keep=5';
