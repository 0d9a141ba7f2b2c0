{
  'targets': [
    {
      'target_name': 'wiretrail_ring',
      'conditions': [
        ['OS=="linux"', {
          'sources': [
            'src/addon.cc',
            'src/options.cc',
            'src/packet_ring.cc',
            'src/ring_object.cc',
            'src/system.cc',
          ],
          'include_dirs': ["<!(node -p \"require('node-addon-api').include_dir\")"],
          'defines': [
            'NAPI_VERSION=9',
            'NAPI_DISABLE_CPP_EXCEPTIONS',
            # A worker that is terminated inside a native call must not abort the process.
            'NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS',
          ],
          'cflags_cc!': ['-std=gnu++17', '-std=gnu++20'],
          'cflags_cc': ['-std=c++20', '-fno-exceptions', '-fvisibility=hidden', '-Wall', '-Wextra', '-Werror=return-type'],
        }, {
          # Elsewhere there is no AF_PACKET: nothing to build, and Wiretrail replays files only.
          'type': 'none',
        }],
      ],
    },
  ],
}
