/** The programs of every run, and how each tells its version. */
export const PROGRAMS = {
  dockerd: ['--version'],
  docker: ['--version'],
  containerd: ['--version'],
  runc: ['--version'],
  podman: ['--version'],
  conmon: ['--version'],
  skopeo: ['--version'],
  crane: ['version'],
  oras: ['version'],
  helm: ['version', '--short'],
  nginx: ['-v'],
  'docker-registry': ['--version'],
  python3: ['-c', 'import swift; print("swift", swift.__version__)'],
  memcached: ['--version'],
  wrk: ['-v'],
  openssl: ['version'],
  perl: ['-e', 'printf "perl %vd\n", $^V'],
  slapd: ['-VV'],
  ldapadd: ['-VV'],
} as const

/** Those of the long run alone. */
export const LONG_PROGRAMS = {
  buildah: ['--version'],
  cosign: ['version'],
  notation: ['version'],
  versitygw: ['--version'],
} as const

export type Program = keyof typeof PROGRAMS | keyof typeof LONG_PROGRAMS
