const MIB = 2 ** 20

export const FULL = {
  sizes: {
    bigBytes: 1024 * MIB,
    partBytes: 16 * MIB,
    smallBytes: 100 * MIB,
    smalls: 8,
    manyBytes: 256 * MIB,
  },
  connections: [1, 16, 64],
  clients: [1, 8, 32],
  tags: [10_000, 100_000],
  repositories: [10_000],
  referrers: [1, 1_000, 10_000],
  // Autovacuum looks once a minute.
  artifacts: { pushed: 10_000, adopted: 100_000, quietMs: 70_000 },
  gc: { blobs: 100_000, garbage: 10_000, seconds: 10 },
  seconds: 5,
  restMs: 15_000,
  repeats: 5,
}

/** Everything once and small: shows that the bench works, and nothing else. */
export const SMOKE: typeof FULL = {
  sizes: { bigBytes: 32 * MIB, partBytes: 16 * MIB, smallBytes: 4 * MIB, smalls: 8, manyBytes: 4 * MIB },
  connections: [16],
  clients: [8],
  tags: [500],
  repositories: [250],
  referrers: [1, 50],
  artifacts: { pushed: 60, adopted: 120, quietMs: 5_000 },
  gc: { blobs: 500, garbage: 50, seconds: 2 },
  seconds: 0.5,
  restMs: 1000,
  repeats: 1,
}
