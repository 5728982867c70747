/** Users of every lab host; all take the lab's SSH key, as does root. */
export const users = {
  /** sudo without a password. */
  passwordless: "debian",
  /** sudo asks for {@link sudoPassword}. */
  withPassword: "admin",
} as const;

/** Not a secret: lab hosts are reachable from this machine alone. */
export const sudoPassword = "lab-sudo-password";
