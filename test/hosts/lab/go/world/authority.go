package main

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

const (
	certificateFile = "ca.crt"
	keyFile         = "ca.key"
	signingFile     = "packages.asc"
)

// The keys that the hosts trust: one signs TLS certificates, the other one package lists. Both stay the same for as
// long as their directory does, so that root file systems made earlier go on trusting them.
type authority struct {
	certificate *x509.Certificate
	key         crypto.Signer
	signer      *openpgp.Entity

	mutex  sync.Mutex
	issued map[string]*tls.Certificate
}

func openAuthority(directory string) (*authority, error) {
	if err := os.MkdirAll(directory, 0o755); err != nil {
		return nil, err
	}
	a := &authority{issued: map[string]*tls.Certificate{}}
	if err := a.openCertificate(directory); err != nil {
		return nil, fmt.Errorf("certificate authority: %w", err)
	}
	if err := a.openSigner(filepath.Join(directory, signingFile)); err != nil {
		return nil, fmt.Errorf("signing key: %w", err)
	}
	return a, nil
}

func (a *authority) openCertificate(directory string) error {
	certificate, key := filepath.Join(directory, certificateFile), filepath.Join(directory, keyFile)
	// The certificate is written last: without it the pair is not whole.
	if _, err := os.Stat(certificate); errors.Is(err, fs.ErrNotExist) {
		if err := makeCertificate(certificate, key); err != nil {
			return err
		}
	}
	pair, err := tls.LoadX509KeyPair(certificate, key)
	if err != nil {
		return err
	}
	a.certificate, a.key = pair.Leaf, pair.PrivateKey.(crypto.Signer)
	return nil
}

func makeCertificate(certificate, keyPath string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "inference-stack test lab"},
		NotBefore:             time.Now().Add(-24 * time.Hour),
		NotAfter:              time.Now().AddDate(10, 0, 0),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign,
	}
	body, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := writePEM(keyPath, "PRIVATE KEY", private, 0o600); err != nil {
		return err
	}
	return writePEM(certificate, "CERTIFICATE", body, 0o644)
}

func writePEM(file, kind string, body []byte, mode fs.FileMode) error {
	return writeAtomically(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: body}), mode)
}

func writeAtomically(file string, contents []byte, mode fs.FileMode) error {
	temporary := fmt.Sprintf("%s.%d", file, os.Getpid())
	if err := os.WriteFile(temporary, contents, mode); err != nil {
		return err
	}
	return os.Rename(temporary, file)
}

// Issues a certificate for whatever name a client asks for.
func (a *authority) certificateFor(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	name := hello.ServerName
	if name == "" {
		name, _, _ = net.SplitHostPort(hello.Conn.LocalAddr().String())
	}
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if certificate, found := a.issued[name]; found {
		return certificate, nil
	}
	certificate, err := a.issue(name)
	if err != nil {
		return nil, err
	}
	a.issued[name] = certificate
	return certificate, nil
}

func (a *authority) issue(name string) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-24 * time.Hour),
		NotAfter:     time.Now().AddDate(0, 3, 0),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if ip := net.ParseIP(name); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{name}
	}
	body, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &key.PublicKey, a.key)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{body, a.certificate.Raw}, PrivateKey: key}, nil
}

func (a *authority) openSigner(file string) error {
	contents, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		contents, err = makeSigner(file)
	}
	if err != nil {
		return err
	}
	keys, err := openpgp.ReadArmoredKeyRing(bytes.NewReader(contents))
	if err != nil {
		return err
	}
	a.signer = keys[0]
	return nil
}

func makeSigner(file string) ([]byte, error) {
	config := &packet.Config{RSABits: 2048}
	entity, err := openpgp.NewEntity("inference-stack test lab", "packages", "packages@example.test", config)
	if err != nil {
		return nil, err
	}
	contents, err := armored(openpgp.PrivateKeyType, func(w *bytes.Buffer) error {
		return entity.SerializePrivate(w, config)
	})
	if err != nil {
		return nil, err
	}
	return contents, writeAtomically(file, contents, 0o600)
}

func armored(kind string, write func(*bytes.Buffer) error) ([]byte, error) {
	var body, out bytes.Buffer
	if err := write(&body); err != nil {
		return nil, err
	}
	w, err := armor.Encode(&out, kind, nil)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(body.Bytes()); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return append(out.Bytes(), '\n'), nil
}
