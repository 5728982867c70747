import { sources, type ConnectionRow } from "../row";

/** What can go wrong before anything of a host is known. */
export const connectionRows = {
  unreachable: {
    id: "unreachable",
    number: 13,
    severity: "fail",
    check: "SSH answers at the host's address and port",
    cause: "nothing can be done on a host that does not answer",
    fix: "turn the host on; correct its address, port or the bastion; open the port in the firewalls between",
    source: sources.kubespray,
  },
  hostKey: {
    id: "host-key",
    number: 49,
    severity: "fail",
    check: "The host has the SSH key that is pinned",
    cause: "another machine answers at that address, or the host was installed anew: its key is not the pinned one",
    fix: "compare the key with the host's console (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub); only if it is the right machine, put the new key into hostKey",
    source: "k0sproject/k0sctl smoke-test/smoke-controller-swap.sh",
  },
  login: {
    id: "login",
    number: 2,
    severity: "fail",
    check: "The SSH key logs in",
    cause: "the host does not accept this key for this user",
    fix: "add the public key to the user's ~/.ssh/authorized_keys on the host, or correct user, the secret sshPrivateKey or the agent's keys",
    source: sources.k0sctl,
  },
  root: {
    id: "root",
    number: 2,
    severity: "fail",
    check: "The user is root, or becomes root by sudo",
    cause: "every step needs root",
    fix: "allow the user sudo without a password (a file in /etc/sudoers.d: `<user> ALL=(ALL) NOPASSWD: ALL`, without requiretty), set the secret sudoPassword, or connect as root",
    source: `${sources.k0sctl}; ${sources.kubeadm} IsPrivilegedUser`,
  },
  facts: {
    id: "facts",
    number: 1,
    severity: "fail",
    check: "The host can be looked at",
    cause: "the commands that look at it ended with an error",
    fix: "see what they said; the host needs bash, coreutils and a writable /run",
    source: sources.kubespray,
  },
} as const satisfies Record<string, ConnectionRow>;
