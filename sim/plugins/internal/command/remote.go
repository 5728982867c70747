package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"inference-stack/sim/plugins/internal/properties"
)

// connect makes the step's connection; it closes when ctx ends.
func (p *Provider) connect(ctx context.Context, current step) (*ssh.Client, error) {
	parsed, err := parseConnection(properties.Object(current.inputs, "connection"))
	if err != nil {
		return nil, err
	}
	return parsed.dial(ctx, func(message string) { p.Engine.Status(ctx, string(current.urn), message) })
}

// runRemote runs a command on another host by its login shell.
func (p *Provider) runRemote(ctx context.Context, current step, prepared invocation) error {
	client, err := p.connect(ctx, current)
	if err != nil {
		return err
	}
	defer client.Close()
	session, err := client.NewSession()
	if err != nil {
		return err
	}
	defer session.Close()
	for key, value := range prepared.environment {
		if err := session.Setenv(key, value); err != nil {
			return fmt.Errorf("the SSH server refuses the environment variable %s; list it under AcceptEnv in its "+
				"sshd_config, or set addPreviousOutputInEnv to false if the program does not set it: %w", key, err)
		}
	}
	session.Stdin = strings.NewReader(prepared.stdin)
	session.Stdout, session.Stderr = prepared.stdout, prepared.stderr
	stop := context.AfterFunc(ctx, func() {
		// A server that does not know signals still notices the closed connection.
		_ = session.Signal(ssh.SIGTERM)
		_ = client.Close()
	})
	defer stop()
	return session.Run(prepared.command)
}

// copyToRemote copies a file, a text or a directory to another host.
func copyToRemote(ctx context.Context, p *Provider, current step) error {
	client, err := p.connect(ctx, current)
	if err != nil {
		return err
	}
	defer client.Close()
	files, err := sftp.NewClient(client)
	if err != nil {
		return fmt.Errorf("starting SFTP: %w", err)
	}
	defer files.Close()
	source, destination := properties.Reveal(current.inputs["source"]), properties.String(current.inputs, "remotePath")
	switch {
	case source.IsAsset():
		content, err := source.AssetValue().Bytes()
		if err != nil {
			return fmt.Errorf("source: %w", err)
		}
		if local, isPath := source.AssetValue().GetPath(); isPath {
			destination = intoDirectory(files, destination, filepath.Base(local))
		}
		return writeRemote(files, destination, content, 0o644)
	case source.IsArchive():
		local, isPath := source.ArchiveValue().GetPath()
		if !isPath {
			return errors.New("source: the stand-in copies files, texts and directories; give a FileAsset, a StringAsset " +
				"or a FileArchive of a directory")
		}
		return copyDirectory(files, local, destination)
	}
	return errors.New("source: give an asset or an archive")
}

func intoDirectory(files *sftp.Client, destination, name string) string {
	if info, err := files.Stat(destination); err == nil && info.IsDir() {
		return path.Join(destination, name)
	}
	return destination
}

func writeRemote(files *sftp.Client, destination string, content []byte, mode os.FileMode) error {
	file, err := files.Create(destination)
	if err != nil {
		return fmt.Errorf("remotePath %s: %w", destination, err)
	}
	if _, err := file.Write(content); err != nil {
		return errors.Join(fmt.Errorf("remotePath %s: %w", destination, err), file.Close())
	}
	return errors.Join(file.Chmod(mode), file.Close())
}

// copyDirectory copies the directory itself, or only its contents when its path ends in a slash.
func copyDirectory(files *sftp.Client, local, destination string) error {
	if !strings.HasSuffix(local, "/") {
		destination = path.Join(destination, filepath.Base(local))
	}
	return filepath.WalkDir(local, func(found string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(local, found)
		if err != nil {
			return err
		}
		target := path.Join(destination, filepath.ToSlash(relative))
		if entry.IsDir() {
			return files.MkdirAll(target)
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		content, err := os.ReadFile(found)
		if err != nil {
			return err
		}
		return writeRemote(files, target, content, info.Mode().Perm())
	})
}
