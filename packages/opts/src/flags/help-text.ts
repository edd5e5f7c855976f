/** The texts of `--help`, `--help_tls` and `--version`. A test holds the help against the table of flags. */

type Line = readonly [flag: string, meaning: string]

const SECTIONS: readonly (readonly [title: string, lines: readonly Line[]])[] = [
  [
    'Server Options',
    [
      ['-a, --addr, --net <host>', 'Bind to host address (default: 0.0.0.0)'],
      ['-p, --port <port>', 'Use port for clients (default: 4222)'],
      ['-n, --name, --server_name <name>', 'Name of the server (default: its id)'],
      ['-P, --pid <file>', 'Write the process id to this file'],
      ['-m, --http_port <port>', 'Port of HTTP monitoring (default: none)'],
      ['-ms,--https_port <port>', 'Port of HTTPS monitoring (not served yet)'],
      ['-c, --config <file>', 'Read this configuration file'],
      ['-t', 'Check the configuration file and exit'],
      ['-sl,--signal <signal>=<pid>', 'Send ldm, stop, quit, term, reopen or reload to a running server;'],
      ['', '<pid> is a process id or the path of a pid file'],
      ['--client_advertise <address>', 'Address told to clients instead of the real one'],
      ['--ports_file_dir <dir>', 'Write <executable>_<pid>.ports, with all listeners, to this folder'],
    ],
  ],
  [
    'Logging Options',
    [
      ['-l, --log <file>', 'Log to this file instead of stderr'],
      ['-T, --logtime', 'Begin lines with the time (default: true)'],
      ['--logtime_utc', 'That time in UTC'],
      ['-s, --syslog', 'Log to syslog (not served yet)'],
      ['-r, --remote_syslog <addr>', 'Log to this syslog server (not served yet)'],
      ['-D, --debug', 'Log what happens inside'],
      ['-V, --trace', 'Log every protocol line'],
      ['-VV', 'Log every protocol line, those of the system account too'],
      ['-DV', '-D and -V'],
      ['-DVV', '-D and -VV'],
      ['--log_size_limit <bytes>', 'Begin a new log file at this size (not served yet)'],
      ['--max_traced_msg_len <bytes>', 'Bytes of a payload that a trace shows (default: all)'],
    ],
  ],
  [
    'JetStream Options',
    [
      ['-js, --jetstream', 'Switch JetStream on'],
      ['-sd, --store_dir <dir>', 'Folder of the stored streams'],
    ],
  ],
  [
    'Authorization Options',
    [
      ['--user <user>', 'The user that clients must be'],
      ['--pass <password>', 'The password of that user'],
      ['--auth <token>', 'The token that clients must have'],
    ],
  ],
  [
    'TLS Options (not served yet: the server does not start)',
    [
      ['--tls', 'TLS for clients'],
      ['--tlscert <file>', 'Certificate of the server'],
      ['--tlskey <file>', 'Private key of that certificate'],
      ['--tlsverify', 'TLS for clients, which must have certificates'],
      ['--tlscacert <file>', 'Authority of the certificates of clients'],
    ],
  ],
  [
    'Cluster Options (not served, ignored with a warning)',
    [
      ['--routes <url, url>', 'Servers to dial'],
      ['--cluster, --cluster_listen <url>', 'Where routes are accepted'],
      ['--cluster_name <name>', 'Name of the cluster'],
      ['--no_advertise', 'Do not tell clients of the cluster'],
      ['--cluster_advertise <address>', 'Address told to other servers'],
      ['--connect_retries <number>', 'Attempts to reach a route that was told'],
    ],
  ],
  ['Profiling Options', [['--profile <port>', 'Port of profiling (not served, ignored with a warning)']]],
  [
    'Common Options',
    [
      ['-h, --help', 'Show this text'],
      ['-v, --version', 'Show the version'],
      ['--help_tls', 'Show how TLS is configured'],
    ],
  ],
]

const MEANING_COLUMN = 37

export function helpText(): string {
  const sections = SECTIONS.map(([title, lines]) => `${title}:\n${lines.map(lineOf).join('\n')}\n`)
  return `\nUsage: nats-server [options]\n\n${sections.join('\n')}\n`
}

function lineOf([flag, meaning]: Line): string {
  const indent = flag.startsWith('--') ? '        ' : '    '
  return `${`${indent}${flag}`.padEnd(MEANING_COLUMN - 1)} ${meaning}`
}

export function tlsHelpText(): string {
  return `
TLS configuration is specified in the tls section of a configuration file:

e.g.

    tls {
        cert_file: "./certs/server-cert.pem"
        key_file:  "./certs/server-key.pem"
        ca_file:   "./certs/ca.pem"
        verify:    true
    }

This version does not serve TLS yet: a configuration with a tls section does not start.

`
}
