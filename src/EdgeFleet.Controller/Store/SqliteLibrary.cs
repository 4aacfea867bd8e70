using System.Reflection;
using System.Runtime.InteropServices;
using SQLitePCL;

namespace EdgeFleet.Controller.Store;

/// <summary>
/// Points the provider at the system's SQLite, which the distribution maintains for security; the package that would bring a
/// library of its own carries an old one.
/// </summary>
internal static class SqliteLibrary
{
    private const string ImportName = "e_sqlite3";
    private static readonly string[] s_candidates = ["libsqlite3.so.0", "libsqlite3.so", "sqlite3"];
    private static readonly Lazy<string> s_version = new(Load, LazyThreadSafetyMode.ExecutionAndPublication);

    /// <summary>Loads the library once per process and returns the engine's version.</summary>
    /// <exception cref="DllNotFoundException">No SQLite library is installed.</exception>
    public static string Ensure() => s_version.Value;

    private static string Load()
    {
        NativeLibrary.SetDllImportResolver(typeof(SQLite3Provider_e_sqlite3).Assembly, Resolve);
        raw.SetProvider(new SQLite3Provider_e_sqlite3());
        return raw.sqlite3_libversion().utf8_to_string();
    }

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? search)
    {
        if (name != ImportName)
        {
            return 0;
        }
        foreach (string candidate in s_candidates)
        {
            if (NativeLibrary.TryLoad(candidate, out nint handle))
            {
                return handle;
            }
        }
        throw new DllNotFoundException($"SQLite is not installed: none of {string.Join(", ", s_candidates)} can be loaded (Debian: apt-get install libsqlite3-0)");
    }
}
