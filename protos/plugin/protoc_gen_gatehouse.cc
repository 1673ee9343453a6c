// A protoc plugin: for each service of a .proto it writes the typed interface, the handler that
// binds an implementation, and the client (libs/rpc/service.h says how they are used). The wire is
// plain gRPC: any gRPC client speaks to these services with ordinary generated stubs.

#include <google/protobuf/compiler/code_generator.h>
#include <google/protobuf/compiler/plugin.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/printer.h>
#include <google/protobuf/io/zero_copy_stream.h>

#include <memory>
#include <string>

namespace {

using google::protobuf::Descriptor;
using google::protobuf::FileDescriptor;
using google::protobuf::MethodDescriptor;
using google::protobuf::ServiceDescriptor;
using google::protobuf::io::Printer;

std::string Replace(std::string text, char from, const std::string& to) {
  std::string result;
  for (char c : text) {
    if (c == from) {
      result += to;
    } else {
      result += c;
    }
  }
  return result;
}

std::string Namespace(const FileDescriptor* file) { return Replace(file->package(), '.', "::"); }

std::string ClassName(const Descriptor* message) {
  return "::" + Namespace(message->file()) + "::" + message->name();
}

std::string BaseName(const FileDescriptor* file) {
  const std::string& name = file->name();
  return name.substr(0, name.size() - std::string(".proto").size());
}

std::map<std::string, std::string> Variables(const MethodDescriptor* method) {
  return {{"name", method->name()},
          {"service", method->service()->name()},
          {"path", "/" + method->service()->full_name() + "/" + method->name()},
          {"request", ClassName(method->input_type())},
          {"response", ClassName(method->output_type())},
          {"index", std::to_string(method->index())},
          {"streaming", method->server_streaming() ? "true" : "false"}};
}

void PrintHeader(const ServiceDescriptor* service, Printer& out) {
  const std::map<std::string, std::string> vars = {{"service", service->name()}};
  out.Print(vars,
            "class $service$ {\n public:\n  virtual ~$service$() = default;\n"
            "  static const ::gatehouse::rpc::ServiceInfo& Info();\n");
  for (int i = 0; i < service->method_count(); ++i) {
    const MethodDescriptor* method = service->method(i);
    out.Print(Variables(method),
              method->server_streaming()
                  ? "  virtual absl::Status $name$(::gatehouse::rpc::CallContext& context, const "
                    "$request$& request, ::gatehouse::rpc::Stream<$request$, $response$> stream) "
                    "= 0;\n"
                  : "  virtual absl::StatusOr<$response$> $name$(::gatehouse::rpc::CallContext& "
                    "context, const $request$& request) = 0;\n");
  }
  out.Print(vars,
            "};\n\nclass $service$Handler final : public ::gatehouse::rpc::ServiceHandler {\n"
            " public:\n  explicit $service$Handler($service$& service) : service_(service) {}\n"
            "  const ::gatehouse::rpc::ServiceInfo& info() const override;\n"
            "  absl::Status Invoke(int method, ::gatehouse::rpc::CallContext& context, const "
            "google::protobuf::Message& request, google::protobuf::Message* response) override;\n"
            "  absl::Status Subscribe(int method, ::gatehouse::rpc::CallContext& context, const "
            "google::protobuf::Message& request, std::shared_ptr<::gatehouse::rpc::StreamSink> "
            "sink) override;\n\n private:\n  $service$& service_;\n};\n\n"
            "class $service$Client final : public $service$ {\n public:\n"
            "  explicit $service$Client(::gatehouse::rpc::Channel& channel) : channel_(channel) "
            "{}\n  ::gatehouse::rpc::Channel& channel() { return channel_; }\n");
  for (int i = 0; i < service->method_count(); ++i) {
    const MethodDescriptor* method = service->method(i);
    out.Print(Variables(method),
              method->server_streaming()
                  ? "  absl::Status $name$(::gatehouse::rpc::CallContext& context, const "
                    "$request$& request, ::gatehouse::rpc::Stream<$request$, $response$> stream) "
                    "override;\n"
                    "  std::unique_ptr<::gatehouse::rpc::Subscription> Subscribe$name$(const "
                    "::gatehouse::rpc::CallContext& context, const $request$& request, "
                    "std::function<void(const $response$&, const std::function<void(const "
                    "$request$&)>&)> on_message);\n"
                  : "  absl::StatusOr<$response$> $name$(::gatehouse::rpc::CallContext& context, "
                    "const $request$& request) override;\n");
  }
  out.Print("\n private:\n  ::gatehouse::rpc::Channel& channel_;\n};\n\n");
}

void PrintSource(const ServiceDescriptor* service, Printer& out) {
  const std::map<std::string, std::string> vars = {{"service", service->name()},
                                                   {"full", service->full_name()}};
  out.Print(vars, "static const std::vector<::gatehouse::rpc::MethodInfo> k$service$Methods = {\n");
  for (int i = 0; i < service->method_count(); ++i) {
    out.Print(Variables(service->method(i)),
              "    {\"$name$\", \"$path$\", $index$, $streaming$,\n"
              "     []() -> const google::protobuf::Message* { return "
              "&$request$::default_instance(); },\n"
              "     []() -> const google::protobuf::Message* { return "
              "&$response$::default_instance(); }},\n");
  }
  out.Print(vars,
            "};\n\nconst ::gatehouse::rpc::ServiceInfo& $service$::Info() {\n"
            "  static const ::gatehouse::rpc::ServiceInfo info{\"$full$\", "
            "k$service$Methods};\n  return info;\n}\n\n"
            "const ::gatehouse::rpc::ServiceInfo& $service$Handler::info() const { return "
            "$service$::Info(); }\n\n"
            "absl::Status $service$Handler::Invoke(int method, ::gatehouse::rpc::CallContext& "
            "context, const google::protobuf::Message& request, google::protobuf::Message* "
            "response) {\n  switch (method) {\n");
  for (int i = 0; i < service->method_count(); ++i) {
    if (service->method(i)->server_streaming()) continue;
    out.Print(Variables(service->method(i)),
              "    case $index$: {\n      auto result = service_.$name$(context, "
              "static_cast<const $request$&>(request));\n"
              "      if (!result.ok()) return std::move(result).status();\n"
              "      *static_cast<$response$*>(response) = *std::move(result);\n"
              "      return absl::OkStatus();\n    }\n");
  }
  out.Print(vars,
            "    default:\n      return absl::UnimplementedError(\"no such method\");\n  }\n}\n\n"
            "absl::Status $service$Handler::Subscribe(int method, ::gatehouse::rpc::CallContext& "
            "context, const google::protobuf::Message& request, "
            "std::shared_ptr<::gatehouse::rpc::StreamSink> sink) {\n  switch (method) {\n");
  for (int i = 0; i < service->method_count(); ++i) {
    if (!service->method(i)->server_streaming()) continue;
    out.Print(Variables(service->method(i)),
              "    case $index$:\n      return service_.$name$(context, static_cast<const "
              "$request$&>(request), ::gatehouse::rpc::Stream<$request$, "
              "$response$>(std::move(sink)));\n");
  }
  out.Print(
      "    default:\n      return absl::UnimplementedError(\"no such stream\");\n  }\n}\n\n");
  for (int i = 0; i < service->method_count(); ++i) {
    const MethodDescriptor* method = service->method(i);
    out.Print(Variables(method),
              method->server_streaming()
                  ? "absl::Status $service$Client::$name$(::gatehouse::rpc::CallContext&, const "
                    "$request$&, ::gatehouse::rpc::Stream<$request$, $response$>) {\n  return "
                    "absl::UnimplementedError(\"use Subscribe$name$\");\n}\n\n"
                    "std::unique_ptr<::gatehouse::rpc::Subscription> "
                    "$service$Client::Subscribe$name$(const ::gatehouse::rpc::CallContext& "
                    "context, const $request$& request, std::function<void(const $response$&, "
                    "const std::function<void(const $request$&)>&)> on_message) {\n  return "
                    "channel_.Subscribe(k$service$Methods[$index$], context, request,\n"
                    "      [on_message = std::move(on_message)](const google::protobuf::Message& "
                    "message,\n          const ::gatehouse::rpc::StreamAnswer& answer) {\n"
                    "        on_message(static_cast<const $response$&>(message),\n"
                    "            [&answer](const $request$& request) { answer(request); });\n"
                    "      });\n}\n\n"
                  : "absl::StatusOr<$response$> "
                    "$service$Client::$name$(::gatehouse::rpc::CallContext& context, const "
                    "$request$& request) {\n  $response$ response;\n  absl::Status status = "
                    "channel_.Call(k$service$Methods[$index$], context, request, &response);\n"
                    "  if (!status.ok()) return status;\n  return response;\n}\n\n");
  }
}

class Generator final : public google::protobuf::compiler::CodeGenerator {
 public:
  uint64_t GetSupportedFeatures() const override { return FEATURE_PROTO3_OPTIONAL; }

  bool Generate(const FileDescriptor* file, const std::string&,
                google::protobuf::compiler::GeneratorContext* context,
                std::string* error) const override {
    const std::string base = BaseName(file);
    std::unique_ptr<google::protobuf::io::ZeroCopyOutputStream> header(
        context->Open(base + ".rpc.h"));
    std::unique_ptr<google::protobuf::io::ZeroCopyOutputStream> source(
        context->Open(base + ".rpc.cc"));
    Printer h(header.get(), '$');
    Printer cc(source.get(), '$');
    const std::map<std::string, std::string> vars = {{"base", base}, {"ns", Namespace(file)}};
    h.Print(vars,
            "// Generated from $base$.proto.\n#pragma once\n\n#include <functional>\n#include "
            "<memory>\n#include <vector>\n\n#include \"absl/status/statusor.h\"\n#include \"$base$.pb.h\"\n#include "
            "\"libs/rpc/service.h\"\n\nnamespace $ns$ {\n\n");
    cc.Print(vars,
             "// Generated from $base$.proto.\n#include \"$base$.rpc.h\"\n\nnamespace $ns$ "
             "{\n\n");
    for (int i = 0; i < file->service_count(); ++i) {
      for (int m = 0; m < file->service(i)->method_count(); ++m) {
        const MethodDescriptor* method = file->service(i)->method(m);
        if (method->client_streaming() != method->server_streaming()) {
          *error = "a stream goes both ways in Gatehouse: its reader may have to answer";
          return false;
        }
      }
      PrintHeader(file->service(i), h);
      PrintSource(file->service(i), cc);
    }
    h.Print(vars, "}  // namespace $ns$\n");
    cc.Print(vars, "}  // namespace $ns$\n");
    return true;
  }
};

}  // namespace

int main(int argc, char* argv[]) {
  Generator generator;
  return google::protobuf::compiler::PluginMain(argc, argv, &generator);
}
