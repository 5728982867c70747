// A device plugin that advertises GPUs that do not exist: `deviceplugin -resource amd.com/gpu -count 8`. Without -count
// it counts the GPUs that the host's PCI tree declares, as the vendors' plugins do.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	api "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"
)

const socketName = "lab-gpu.sock"

// PCI vendors and display classes as /sys/bus/pci/devices/*/{vendor,class} spell them.
var vendors = map[string]string{"amd.com/gpu": "0x1002", "nvidia.com/gpu": "0x10de"}

func main() {
	resource := flag.String("resource", "amd.com/gpu", "resource name that the node advertises")
	count := flag.Int("count", -1, "number of GPUs; default: those in the PCI tree")
	devices := flag.String("pci", "/sys/bus/pci/devices", "directory of PCI devices")
	flag.Parse()
	if *count < 0 {
		found, err := countGPUs(*devices, vendors[*resource])
		if err != nil {
			log.Fatalf("counting GPUs: %v", err)
		}
		*count = found
	}
	for {
		if err := serve(*resource, *count); err != nil {
			log.Printf("kubelet is not there yet: %v", err)
			time.Sleep(2 * time.Second)
		}
	}
}

func countGPUs(directory, vendor string) (int, error) {
	entries, err := os.ReadDir(directory)
	if err != nil {
		return 0, err
	}
	count := 0
	for _, entry := range entries {
		read := func(name string) string {
			contents, _ := os.ReadFile(filepath.Join(directory, entry.Name(), name))
			return strings.TrimSpace(string(contents))
		}
		class := read("class")
		display := strings.HasPrefix(class, "0x03") || strings.HasPrefix(class, "0x12")
		if read("vendor") == vendor && display {
			count++
		}
	}
	return count, nil
}

// Serves and registers until the kubelet restarts, which removes all sockets of its directory.
func serve(resource string, count int) error {
	socket := filepath.Join(api.DevicePluginPath, socketName)
	if err := os.Remove(socket); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	server := grpc.NewServer()
	defer server.Stop()
	api.RegisterDevicePluginServer(server, &plugin{count: count})
	go func() { _ = server.Serve(listener) }()
	if err := register(resource); err != nil {
		return err
	}
	log.Printf("registered %d %s", count, resource)
	for {
		time.Sleep(time.Second)
		if _, err := os.Stat(socket); err != nil {
			log.Print("the kubelet restarted")
			return nil
		}
	}
}

func register(resource string) error {
	connection, err := grpc.NewClient(
		"unix://"+api.KubeletSocket, grpc.WithTransportCredentials(insecure.NewCredentials()),
	)
	if err != nil {
		return err
	}
	defer connection.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_, err = api.NewRegistrationClient(connection).Register(ctx, &api.RegisterRequest{
		Version: api.Version, Endpoint: socketName, ResourceName: resource,
	})
	return err
}

type plugin struct {
	api.UnimplementedDevicePluginServer
	count int
}

func (p *plugin) GetDevicePluginOptions(context.Context, *api.Empty) (*api.DevicePluginOptions, error) {
	return &api.DevicePluginOptions{}, nil
}

func (p *plugin) ListAndWatch(_ *api.Empty, stream api.DevicePlugin_ListAndWatchServer) error {
	devices := make([]*api.Device, p.count)
	for i := range devices {
		devices[i] = &api.Device{ID: fmt.Sprintf("gpu-%d", i), Health: api.Healthy}
	}
	if err := stream.Send(&api.ListAndWatchResponse{Devices: devices}); err != nil {
		return err
	}
	<-stream.Context().Done()
	return nil
}

func (p *plugin) Allocate(_ context.Context, request *api.AllocateRequest) (*api.AllocateResponse, error) {
	response := &api.AllocateResponse{}
	for _, container := range request.ContainerRequests {
		response.ContainerResponses = append(response.ContainerResponses, &api.ContainerAllocateResponse{
			Envs: map[string]string{"LAB_GPUS": strings.Join(container.DevicesIds, ",")},
		})
	}
	return response, nil
}
